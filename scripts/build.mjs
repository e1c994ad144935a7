// npm run build, and before each npm start: dist/ is the program as JavaScript, its workflow code in one file. Made once for the same sources.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildKernel, root } from './bootstrap.mjs'

buildKernel()

const dist = join(root, 'dist')
const marker = join(dist, '.sources')
const sources = readdirSync(join(root, 'src'), { recursive: true })
  .map((name) => join('src', name))
  .filter((name) => statSync(join(root, name)).isFile())
  .sort()
const hash = hashOf(['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs', ...sources])

if (!existsSync(marker) || readFileSync(marker, 'utf8') !== hash) {
  const startedAt = Date.now()
  rmSync(marker, { force: true })
  compile()
  for (const name of sources.filter((each) => each.endsWith('.wasm'))) copyFileSync(join(root, name), join(root, distOf(name)))
  await bundleWorkflows()
  writeFileSync(marker, hash)
  console.log(`Built dist/ in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
}

function hashOf(names) {
  const hash = createHash('sha256')
  for (const name of names) hash.update(`\0${name}\0`).update(readFileSync(join(root, name)))
  return hash.digest('hex')
}

function compile() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  if (!existsSync(compiler))
    stop('dist/ is not made of these sources, and the compiler is not installed: npm ci, then npm run build')
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) stop('dist/ could not be built; the reasons stand above')
}

/** The worker then neither loads nor runs a bundler: 80 MiB and some seconds less. Of its map it needs the names, not the sources. */
async function bundleWorkflows() {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker')
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(dist, 'workflows', 'index.js'),
    logger: new DefaultLogger('ERROR'),
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-source-map' }),
  })
  writeFileSync(join(dist, 'workflows.js'), code)
}

function distOf(name) {
  return join('dist', name.slice('src'.length))
}

function stop(line) {
  console.error(line)
  process.exit(1)
}

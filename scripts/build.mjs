// npm run build, and before each npm start: dist/ holds the program, a file for each kind of thread. Made once for the same sources.
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
const hash = hashOf(['package-lock.json', 'scripts/build.mjs', ...sources])

if (!existsSync(marker) || readFileSync(marker, 'utf8') !== hash) {
  const startedAt = Date.now()
  rmSync(dist, { recursive: true, force: true })
  await bundleThreads()
  copyFileSync(join(root, 'src', 'kernel', 'kernel.wasm'), join(dist, 'workers', 'kernel.wasm'))
  await bundleWorkflows()
  writeFileSync(marker, hash)
  console.log(`Built dist/ in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
}

function hashOf(names) {
  const hash = createHash('sha256')
  for (const name of names) hash.update(`\0${name}\0`).update(readFileSync(join(root, name)))
  return hash.digest('hex')
}

/** Packages that are many small files come along: to find, read and compile them takes a thread twice as long otherwise. */
async function bundleThreads() {
  const { build } = await import('esbuild')
  await build({
    entryPoints: ['main', 'rangeThread'].map((name) => join(root, 'src', 'workers', `${name}.ts`)),
    outdir: join(dist, 'workers'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'linked',
    sourcesContent: false,
    // Native code, or threads of their own: what these look for stands beside them.
    external: ['@temporalio/*', '@node-rs/crc32', 'lz4-napi', 'pino', 'snappy'],
    // For those that are CommonJS.
    banner: { js: "const require = process.getBuiltinModule('module').createRequire(import.meta.url);" },
    logLevel: 'warning',
  })
}

/** The worker then neither loads nor runs a bundler: 80 MiB and some seconds less. Of its map it needs the names, not the sources. */
async function bundleWorkflows() {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker')
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'src', 'workflows', 'index.ts'),
    logger: new DefaultLogger('ERROR'),
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-source-map' }),
  })
  writeFileSync(join(dist, 'workflows.js'), code)
}

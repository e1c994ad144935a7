/** The one place that looks at this process' environment and files. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { loadConfig, type Config } from './config.ts'

export function configOfProcess(): Config {
  return loadConfig(process.env, { readFile: (path) => readFileSync(path, 'utf8') })
}

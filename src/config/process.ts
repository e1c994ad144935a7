/** The one place that looks at this process' environment and files. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { loadConfig, type Config } from './config.ts'
import { loadControl, loadLake, type Control, type Lake } from './sections.ts'

export function configOfProcess(): Config {
  return loadConfig(process.env, files)
}

/** What the command line needs to speak to tables. */
export function controlOfProcess(): Control {
  return loadControl(process.env, files)
}

/** What a reader of the lake needs. */
export function lakeOfProcess(): Lake {
  return loadLake(process.env, files)
}

const files = { readFile: (path: string) => readFileSync(path, 'utf8') }

/** The one place that looks at this process' environment and files. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { loadConfig, type Config } from './config.ts'
import { loadControl, loadLake, loadTopics, type Control, type Lake, type Topics } from './sections.ts'

export function configOfProcess(): Config {
  // The AWS SDK's notice about future Node versions would stand in the log, once a thread.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
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

/** What a look at the topics needs. */
export function topicsOfProcess(): Topics {
  return loadTopics(process.env, files)
}

const files = { readFile: (path: string) => readFileSync(path, 'utf8') }

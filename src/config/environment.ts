/** Environment variables over the file: one variable, one place in the tree. Secrets come by reference. */

export type Environment = Readonly<Record<string, string | undefined>>

type Reading = 'text' | 'flag' | 'list'

/** Variable, path in tables.yaml, how its text is read. */
export const variables: readonly (readonly [variable: string, path: string, reading: Reading])[] = [
  ['CDC_PIPELINE', 'pipeline.name', 'text'],
  ['CDC_TOPIC_PREFIX', 'pipeline.topicPrefix', 'text'],
  ['CDC_DATABASE', 'pipeline.database', 'text'],
  ['CDC_DEFAULT_SCHEMA', 'pipeline.defaultSchema', 'text'],
  ['CDC_LAKE_URL', 'lake.url', 'text'],
  ['CDC_LAKE_ENDPOINT', 'lake.endpoint', 'text'],
  ['CDC_LAKE_REGION', 'lake.region', 'text'],
  ['CDC_LAKE_PATH_STYLE', 'lake.pathStyle', 'flag'],
  ['CDC_LAKE_MULTIPART', 'lake.multipart', 'flag'],
  ['CDC_LAKE_ACCESS_KEY_ID', 'lake.credentials.accessKeyId', 'text'],
  ['CDC_LAKE_SECRET_ACCESS_KEY', 'lake.credentials.secretAccessKey', 'text'],
  ['CDC_LAKE_SESSION_TOKEN', 'lake.credentials.sessionToken', 'text'],
  ['CDC_KAFKA_BROKERS', 'kafka.brokers', 'list'],
  ['CDC_KAFKA_TLS', 'kafka.tls', 'flag'],
  ['CDC_KAFKA_SASL_MECHANISM', 'kafka.sasl.mechanism', 'text'],
  ['CDC_KAFKA_SASL_USERNAME', 'kafka.sasl.username', 'text'],
  ['CDC_KAFKA_SASL_PASSWORD', 'kafka.sasl.password', 'text'],
  ['CDC_KAFKA_GROUP', 'kafka.group', 'text'],
  ['CDC_KAFKA_MIRROR', 'kafka.mirror', 'flag'],
  ['CDC_MAX_BATCH_BYTES', 'kafka.maxBatchBytes', 'text'],
  ['CDC_TASK_QUEUE', 'temporal.taskQueue', 'text'],
  ['CDC_SEARCH_ATTRIBUTES', 'temporal.searchAttributes', 'flag'],
  ['CDC_WORKFLOW_BUNDLE', 'temporal.workflowBundle', 'text'],
  ['CDC_BATCHES_PER_RUN', 'temporal.batchesPerRun', 'text'],
  ['CDC_BATCH_MAX_AGE', 'defaults.batch.maxAge', 'text'],
  ['CDC_BATCH_MAX_ROWS', 'defaults.batch.maxRows', 'text'],
  ['CDC_BATCH_MAX_BYTES', 'defaults.batch.maxBytes', 'text'],
  ['CDC_IDLE_WAIT', 'defaults.idleWait', 'text'],
  ['CDC_MEMORY_BUDGET', 'memoryBudget', 'text'],
  ['CDC_THREADS', 'threads', 'text'],
  ['CDC_PLACEHOLDER', 'placeholder', 'text'],
  ['CDC_LOG_LEVEL', 'logLevel', 'text'],
  ['CDC_FAILPOINTS', 'failpoints', 'text'],
]

/** Where the file is; not a place in it. */
export const fileVariable = 'CDC_CONFIG'

export interface Problem {
  /** Path in the tree, or a file or variable. */
  readonly path: string
  readonly expected: string
}

export type Tree = { [name: string]: unknown }

/** Lays the environment over the tree, in place. An empty variable counts as not set. */
export function overlay(tree: Tree, env: Environment, problems: Problem[]): void {
  const known = new Set([fileVariable, ...variables.map(([variable]) => variable)])
  for (const variable of Object.keys(env)) {
    if (variable.startsWith('CDC_') && !known.has(variable)) {
      problems.push({ path: variable, expected: `unknown; known are ${[...known].sort().join(', ')}` })
    }
  }
  for (const [variable, path, reading] of variables) {
    const text = env[variable]
    if (text === undefined || text === '') continue
    put(tree, path.split('.'), read(text, reading))
  }
}

function read(text: string, reading: Reading): unknown {
  if (reading === 'list')
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
  if (reading === 'flag' && /^(true|false|1|0)$/i.test(text)) return /^(true|1)$/i.test(text)
  return text
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree
  for (const name of path.slice(0, -1)) {
    if (typeof at[name] !== 'object' || at[name] === null || Array.isArray(at[name])) at[name] = {}
    at = at[name] as Tree
  }
  at[path.at(-1)!] = value
}

/** `${env:X}` and `${file:X}` in any text of the tree, in place. A file's last newline is dropped. */
export function resolveReferences(
  tree: Tree | unknown[],
  env: Environment,
  readFile: (path: string) => string,
  problems: Problem[],
  path: readonly string[] = [],
): void {
  for (const [name, value] of Object.entries(tree)) {
    const here = [...path, name]
    if (typeof value === 'object' && value !== null) resolveReferences(value as Tree, env, readFile, problems, here)
    if (typeof value !== 'string') continue
    const resolved = value.replace(/\$\{([^}]*)\}/g, (whole: string, reference: string) => {
      const [, kind, what] = /^(env|file):(.+)$/.exec(reference) ?? []
      const found = kind === 'env' ? env[what!] : kind === 'file' ? contents(what!, readFile) : undefined
      if (found !== undefined) return found
      const missing = kind === 'env' ? `variable ${what} to be set` : kind === 'file' ? `file ${what} to be readable` : null
      problems.push({ path: here.join('.'), expected: missing ?? 'references as ${env:NAME} or ${file:PATH}' })
      return whole
    })
    if (resolved !== value) (tree as Tree)[name] = resolved
  }
}

function contents(path: string, readFile: (path: string) => string): string | undefined {
  try {
    return readFile(path).replace(/\r?\n$/, '')
  } catch {
    return undefined
  }
}

/** Environment and tables.yaml -> one frozen Config. Every problem is listed at once, with its place and what is expected. */
import { parseDocument } from 'yaml'
import type { BatchLimits } from '../core/batchPlan.ts'
import { CdcFailure, code } from '../core/failures.ts'
import type { LakeType } from '../core/schema.ts'
import { fileVariable, overlay, resolveReferences, variables, type Environment, type Problem, type Tree } from './environment.ts'
import { configSchema, type ParsedConfig } from './schema.ts'

export type Config = Readonly<
  Omit<ParsedConfig, 'pipeline' | 'kafka' | 'defaults'> & {
    readonly pipeline: Readonly<Required<ParsedConfig['pipeline']> & { name: string }>
    /** `group`: null where offsets are not mirrored. */
    readonly kafka: Readonly<Omit<ParsedConfig['kafka'], 'group' | 'mirror'> & { group: string | null }>
    readonly limits: BatchLimits
    readonly schemaChange: SchemaChange
    readonly badRecords: BadRecords
  }
>

type Defaults = NonNullable<ParsedConfig['defaults']>
export type SchemaChange = NonNullable<Defaults['schemaChange']>
export type BadRecords = NonNullable<Defaults['badRecords']>

/** A table by its names everywhere: in PostgreSQL, in Kafka, in the lake. */
export interface ResolvedTable {
  /** `public.flights` */
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly topic: string
  /** Below the lake's URL: `<database>/<schema>/<table>`, each segment encoded. */
  readonly root: string
  readonly limits: BatchLimits
  /** Declared, where the topic carries no schemas. */
  readonly columns: readonly { readonly name: string; readonly type: string }[] | null
  readonly key: readonly string[] | null
  /** By column, its type in the lake where somebody chose one. */
  readonly lakeTypes: Readonly<Record<string, LakeType>>
  readonly schemaChange: SchemaChange
  readonly badRecords: BadRecords
  /** `full`: deletes carry the old row, as the table has REPLICA IDENTITY FULL; null: they carry the key. */
  readonly replicaIdentity: 'full' | null
}

export interface Files {
  /** Throws where the file cannot be read; `code: 'ENOENT'` where there is none. */
  readFile(path: string): string
}

/** CDC1002 with every problem. `CDC_CONFIG` names the file; the default `tables.yaml` may be absent. */
export function loadConfig(env: Environment, files: Files): Config {
  const problems: Problem[] = []
  const tree = readTree(env, files, problems)
  overlay(tree, env, problems)
  resolveReferences(tree, env, (path) => files.readFile(path), problems)

  const parsed = configSchema.safeParse({ pipeline: {}, lake: {}, kafka: {}, ...tree })
  for (const issue of parsed.error?.issues ?? []) problems.push(...problemsOf(issue))
  if (problems.length > 0 || !parsed.success) throw invalid(problems)
  return freeze(complete(parsed.data))
}

export function readTree(env: Environment, files: Files, problems: Problem[]): Tree {
  const path = env[fileVariable] || 'tables.yaml'
  let text: string
  try {
    text = files.readFile(path)
  } catch (error) {
    const absent = (error as { code?: string }).code === 'ENOENT'
    if (!absent || env[fileVariable])
      problems.push({ path, expected: absent ? 'this file to exist' : 'this file to be readable' })
    return {}
  }
  const document = parseDocument(text, { prettyErrors: false })
  for (const error of document.errors) {
    const line = text.slice(0, error.pos[0]).split('\n').length
    problems.push({ path: `${path} line ${line}`, expected: `YAML: ${error.message}` })
  }
  if (document.errors.length > 0) return {}
  const tree: unknown = document.toJS()
  if (tree === null) return {}
  if (typeof tree === 'object' && !Array.isArray(tree)) return tree as Tree
  problems.push({ path, expected: 'a mapping with the sections pipeline, lake, kafka, …' })
  return {}
}

interface Issue {
  readonly code: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
}

export function problemsOf(issue: Issue): Problem[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => ({
      path: path ? `${path}.${key}` : key,
      expected: `unknown; known are ${knownAt(issue.path)}`,
    }))
  }
  const variable = variables.find(([, at]) => at === path)?.[0]
  const expected = issue.message.replace(/^Invalid input: /, '')
  return [{ path: variable ? `${path} (${variable})` : path, expected }]
}

/** Names that may stand at a path, walked through the schema's own JSON form. */
function knownAt(path: readonly PropertyKey[]): string {
  let at: unknown = configSchema
  for (const step of path) at = inner(at, step)
  return Object.keys(shapeOf(at) ?? {}).join(', ')
}

interface Schema {
  readonly shape?: Readonly<Record<string, unknown>>
  readonly def?: {
    readonly innerType?: unknown
    readonly valueType?: unknown
    readonly element?: unknown
    readonly options?: unknown[]
  }
}

function inner(schema: unknown, step: PropertyKey): unknown {
  const { shape, def } = unwrapped(schema)
  return shape ? shape[String(step)] : (def?.valueType ?? def?.element)
}

function shapeOf(schema: unknown): Schema['shape'] {
  return unwrapped(schema).shape
}

function unwrapped(schema: unknown): Schema {
  let at = (schema ?? {}) as Schema
  for (;;) {
    const next = at.def?.innerType ?? at.def?.options?.find((option) => (option as Schema).shape)
    if (!next || at.shape) return at
    at = next
  }
}

export function invalid(problems: readonly Problem[]): CdcFailure {
  const list = problems.map(({ path, expected }) => `\n  ${path}: ${expected}`).join('')
  const many = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return new CdcFailure(code.InvalidConfig, `${many} in the configuration:${list}`, { details: { problems } })
}

function complete(parsed: ParsedConfig): Config {
  const { pipeline, kafka, defaults, ...rest } = parsed
  const { group, mirror, ...kafkaRest } = kafka
  const name = pipeline.name ?? pipelineName(pipeline.topicPrefix)
  return {
    ...rest,
    pipeline: { ...pipeline, name },
    kafka: { ...kafkaRest, group: mirror ? (group ?? `cdc-${name}`) : null },
    schemaChange: defaults.schemaChange ?? 'evolve',
    badRecords: defaults.badRecords ?? 'park',
    limits: {
      maxRows: defaults.batch?.maxRows ?? 100_000,
      maxBytes: defaults.batch?.maxBytes ?? 64_000_000,
      maxAgeMs: defaults.batch?.maxAge ?? 650,
      idleWaitMs: defaults.idleWait ?? 120_000,
    },
  }
}

/** What a pipeline is called where only its topic prefix is given. */
export function pipelineName(topicPrefix: string): string {
  return topicPrefix.replace(/[^A-Za-z0-9_.-]/g, '_')
}

/** The config for the eyes of people: secrets are stars. */
export function redacted(config: Config): unknown {
  return JSON.parse(
    JSON.stringify(config, (key, value: unknown) => (secret.has(key) && typeof value === 'string' ? '***' : value)),
  )
}

const secret = new Set(['password', 'secretAccessKey', 'sessionToken', 'accessKeyId', 'key', 'cert', 'ca'])

export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) freeze(part)
  return Object.freeze(value)
}

/** docs/configuration.md: from the JSON form of the config's schema and the list of environment variables. */
import { variables } from '../../src/config/environment.ts'
import { tablesJsonSchema } from '../../src/config/schema.ts'
import { markdownTable } from './markdown.ts'

interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

export interface Setting {
  readonly path: string
  readonly kind: string
  readonly fallback: string
  readonly about: string
}

/** Must be given, by file or environment. */
const required = new Set(['pipeline.topicPrefix', 'pipeline.database', 'lake.url', 'kafka.brokers'])

/** Every place in tables.yaml that takes a value. */
export function settings(): Setting[] {
  return leaves(tablesJsonSchema() as JsonSchema, '')
}

function leaves(schema: JsonSchema, path: string): Setting[] {
  const below = (name: string) => (path === '' ? name : `${path}.${name}`)
  const branches = [schema, ...(schema.anyOf ?? [])]
  const inner = branches.flatMap(({ properties, additionalProperties, items }) => [
    ...Object.entries(properties ?? {}).flatMap(([name, child]) => leaves(child, below(name))),
    ...(typeof additionalProperties === 'object' ? leaves(additionalProperties, below('<schema.table>')) : []),
    ...(items?.properties ? leaves(items, `${path}[]`) : []),
  ])
  const plain = branches.some(
    ({ type }) => type !== undefined && type !== 'object' && type !== 'null' && !(type === 'array' && inner.length > 0),
  )
  return plain ? [{ path, kind: kindOf(schema), fallback: fallbackOf(schema, path), about: aboutOf(schema) }, ...inner] : inner
}

function kindOf(schema: JsonSchema): string {
  const kinds = [schema, ...(schema.anyOf ?? [])].flatMap((each) => {
    if (each.enum) return [each.enum.map(String).join(', ')]
    if (each.type === 'array') return ['list']
    return each.type && each.type !== 'object' && each.type !== 'null' ? [names[each.type] ?? each.type] : []
  })
  return [...new Set(kinds)].join(' or ')
}

const names: Readonly<Record<string, string>> = { string: 'text', integer: 'number', boolean: 'true, false' }

function fallbackOf(schema: JsonSchema, path: string): string {
  if (required.has(path)) return '(required)'
  if (schema.default !== undefined) return schema.default === '' ? '' : JSON.stringify(schema.default).replace(/^"|"$/g, '')
  return /[Dd]efault:? (?:is )?([^;,.]+)/.exec(schema.description ?? '')?.[1] ?? ''
}

function aboutOf({ description = '' }: JsonSchema): string {
  return description.replace(/\s+/g, ' ').replace(/[;.,]? ?[Dd]efault:? (is )?[^;,.]+$/, '')
}

export function configurationPage(): string {
  const byPath = new Map(variables.map(([variable, path]) => [path, variable]))
  const rows = settings().map(({ path, kind, fallback, about }) => [path, byPath.get(path) ?? '', kind, fallback, about])
  return `# Configuration

By environment, by a file, or both; the environment stands over the file. The file is \`tables.yaml\` in the working directory, or what
\`CDC_CONFIG\` names; it may be absent. Editors check it against \`tables.schema.json\`. Every problem is listed at once (CDC1002), unknown names too.

A file that differs from the defaults in one table:

\`\`\`yaml
pipeline: { name: airline, topicPrefix: cdc, database: airline }
lake: { url: 's3://my-lake/airline' }
kafka: { brokers: ['kafka:9092'] }
tables:
  public.bookings:
    batch: { maxAge: 5s }
\`\`\`

Secrets come by reference, in any text of the file: \`\${env:NAME}\` or \`\${file:/path}\`. Sizes are bytes or text such as \`64MB\`, times are
milliseconds or text such as \`5s\`. The connection to Temporal is not in here: \`TEMPORAL_ADDRESS\`, \`TEMPORAL_NAMESPACE\`, \`TEMPORAL_API_KEY\`,
\`TEMPORAL_TLS_*\` and profiles in \`temporal.toml\` work as for the \`temporal\` command.

\`npm run table\` needs only \`CDC_PIPELINE\` (or \`CDC_TOPIC_PREFIX\`) of all this, \`npm run query\` only the \`lake\` section.

${markdownTable(['in tables.yaml', 'variable', 'takes', 'default', 'what it is'], rows)}
`
}

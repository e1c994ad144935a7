/** The shape of tables.yaml, also as the JSON Schema that editors use. Every field that a person may write stands here. */
import { z } from 'zod'
import { decimalOf, elementOf, type LakeType } from '../core/schema.ts'

const units = { B: 1, KB: 1000, MB: 1000 ** 2, GB: 1000 ** 3, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const
const spans = { ms: 1, s: 1000, min: 60_000, m: 60_000, h: 3_600_000 } as const

/** A whole number of bytes, or text such as 64MB. */
const size = z
  .union([z.int().positive(), z.string().regex(/^\d+ ?(B|KB|MB|GB|KiB|MiB|GiB)?$/)], {
    error: 'expected bytes, as 67108864 or "64MB"',
  })
  .transform((value) => measure(value, units, 'B'))
  .describe('Bytes, as a number or as text: 64MB, 512KiB')

/** A whole number of milliseconds, or text such as 5s. */
const duration = z
  .union([z.int().nonnegative(), z.string().regex(/^\d+ ?(ms|s|min|m|h)?$/)], { error: 'expected a time, as 5000 (ms) or "5s"' })
  .transform((value) => measure(value, spans, 'ms'))
  .describe('Milliseconds, or text: 500ms, 5s, 2min')

function measure<U extends string>(value: number | string, table: Readonly<Record<U, number>>, unit: U): number {
  const match = /^(\d+) ?([A-Za-z]*)$/.exec(String(value))
  return Number(match?.[1]) * table[((match?.[2] ?? '') || unit) as U]
}

const count = z
  .union([z.int().positive(), z.string().regex(/^[1-9]\d*$/)], { error: 'expected a whole number above 0' })
  .transform(Number)
const name = z.string().min(1, 'expected a name')

export const batchSchema = z.strictObject({
  maxAge: duration.optional().describe('How long a batch gathers after its first record was seen; default 650ms'),
  maxRows: count.optional().describe('Offsets of one range; default 100000'),
  maxBytes: size.optional().describe('Bytes of one range: of the values of its messages, without their schemas; default 64MB'),
})

const columnSchema = z.strictObject({
  name: name.describe('As PostgreSQL has it'),
  type: name.describe('The PostgreSQL type: bigint, numeric(10,2), timestamptz, text[] …'),
})

const lakeType = z
  .string()
  .transform((text) => text.replaceAll(' ', '').toLowerCase() as LakeType)
  .refine((type) => isChoice(elementOf(type) ?? type), {
    error: 'expected string, decimal(18,s), decimal(38,s), or array<...> of one of them',
  })
  .describe('decimal(38,10), string, array<decimal(38,10)> …')

function isChoice(type: LakeType): boolean {
  const decimal = decimalOf(type)
  return type === 'string' || (decimal !== null && decimal.scale <= decimal.precision)
}

const schemaChange = z
  .enum(['evolve', 'try_evolve', 'lenient', 'exception', 'ignore'], {
    error: 'expected evolve, try_evolve, lenient, exception or ignore',
  })
  .describe('What becomes of columns that are new or change their type (docs/schema-evolution.md); default evolve')

const badRecords = z
  .enum(['park', 'quarantine'], { error: 'expected park or quarantine' })
  .describe('What becomes of a record of which no row can be made (docs/quarantine.md); default park')

export const tableSchema = z
  .strictObject({
    columns: z.array(columnSchema).min(1).optional().describe('Needed only where the topic carries no schemas'),
    key: z.array(name).optional().describe('Names of the primary key, where the topic does not tell them'),
    lakeTypes: z
      .record(name, lakeType)
      .optional()
      .describe('By column, its type in the lake where there is a choice (docs/types.md); counts when the column is first added'),
    replicaIdentity: z
      .literal('full', { error: 'expected full, or nothing' })
      .optional()
      .describe('full: the table has REPLICA IDENTITY FULL, so a delete carries the old row; left out: it carries the key'),
    schemaChange: schemaChange.optional(),
    badRecords: badRecords.optional(),
    batch: batchSchema.optional(),
  })
  .describe('What differs for one table; a table needs no entry')

export const configSchema = z.strictObject({
  pipeline: z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_.-]+$/, 'expected letters, digits, "_", "." or "-"')
      .optional()
      .describe('Stands in workflow ids; default is the topic prefix'),
    topicPrefix: z
      .string({ error: 'expected the topic.prefix of the Debezium connector' })
      .min(1, 'expected the topic.prefix of the Debezium connector')
      .describe('topic.prefix of the Debezium connector: topics are <prefix>.<schema>.<table>'),
    database: z
      .string({ error: 'expected the name of the database' })
      .min(1, 'expected the name of the database')
      .describe('Name of the PostgreSQL database: the first folder below the lake URL'),
    defaultSchema: name.default('public').describe('Schema of tables that are named without one'),
  }),
  lake: z.strictObject({
    url: z
      .string({ error: 'expected s3://bucket/prefix or file:///folder' })
      .regex(/^(s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?|file:\/\/\/.+)$/, 'expected s3://bucket/prefix or file:///folder')
      .describe('Root of all tables: s3://bucket/prefix or file:///folder'),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'expected an http(s) URL' })
      .optional()
      .describe('Of an S3 server other than AWS'),
    region: name.optional().describe('Of the bucket; default us-east-1'),
    multipart: z
      .boolean({ error: 'expected true or false' })
      .optional()
      .describe(
        'Upload large files in parts, which takes less memory. Default: only on Amazon S3, as other servers may let two completions win',
      ),
    pathStyle: z
      .boolean({ error: 'expected true or false' })
      .optional()
      .describe('Bucket in the path instead of the host name; default: true where an endpoint is given'),
    credentials: z
      .strictObject({
        accessKeyId: name.describe('By reference. Left out: the standard AWS chain (environment, profile, instance role)'),
        secretAccessKey: name.describe('By reference: ${env:X} or ${file:X}'),
        sessionToken: name.optional().describe('Of temporary credentials'),
      })
      .optional()
      .describe('By reference: ${env:X} or ${file:X}. Left out: the standard AWS chain (environment, profile, instance role)'),
  }),
  kafka: z.strictObject({
    brokers: z
      .array(z.string().regex(/^[^\s,:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'expected host:port'), {
        error: 'expected a list of host:port',
      })
      .min(1, 'expected at least one host:port')
      .describe('Some brokers to begin with, as host:port; in the variable with commas between'),
    tls: z
      .union([
        z.boolean(),
        z.strictObject({
          ca: name.optional().describe('PEM text, by ${file:X}'),
          cert: name.optional().describe('Of the client, PEM text'),
          key: name.optional().describe('Of the client, PEM text, by ${file:X}'),
          serverName: name.optional().describe('Name in the certificate of the brokers, where it is not the host'),
        }),
      ])
      .default(false)
      .describe('true: TLS with the authorities that the system trusts'),
    sasl: z
      .strictObject({
        mechanism: z
          .enum(['plain', 'scram-sha-256', 'scram-sha-512'], {
            error: 'expected plain, scram-sha-256 or scram-sha-512',
          })
          .describe('How the worker shows who it is'),
        username: name.describe('By which the worker is known to the brokers'),
        password: name.describe('By reference: ${env:X} or ${file:X}'),
      })
      .optional(),
    group: name
      .optional()
      .describe('Consumer group to which committed offsets are mirrored for lag tools; default cdc-<pipeline>'),
    mirror: z.boolean({ error: 'expected true or false' }).default(true).describe('Mirror committed offsets to the group'),
    maxBatchBytes: size.default(64 * 1024 ** 2).describe('Largest record batch after decompression; default 64MiB'),
  }),
  temporal: z
    .strictObject({
      taskQueue: name.default('cdc').describe('Task queue of workers and workflows'),
      searchAttributes: z
        .boolean({ error: 'expected true or false' })
        .default(false)
        .describe('Set CdcTable, CdcHealth and CdcLagSeconds; they must be registered with the server first'),
      workflowBundle: name.optional().describe('File with the workflow code in one; left out: the one that npm run build makes'),
      batchesPerRun: count.default(200).describe('Continue as new after so many batches; default 200'),
    })
    .prefault({}),
  defaults: z
    .strictObject({
      batch: batchSchema.optional(),
      schemaChange: schemaChange.optional(),
      badRecords: badRecords.optional(),
      idleWait: duration.optional().describe('How long one poll waits on an idle table; default 2min'),
    })
    .prefault({}),
  memoryBudget: size
    .default(1024 ** 3)
    .describe('What the ranges being written may hold together; further ones wait. Default 1GiB'),
  threads: z
    .union([z.int().nonnegative(), z.string().regex(/^\d+$/)], { error: 'expected a whole number' })
    .transform(Number)
    .optional()
    .describe(
      'Threads that carry ranges, the first started with the worker, others when they are needed; 0: all in the main thread. Default: one less than there are cores and 1 to 8',
    ),
  placeholder: z
    .string()
    .min(1)
    .default('__debezium_unavailable_value')
    .describe('unavailable.value.placeholder of the connector'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'expected trace, debug, info, warn, error, fatal or silent',
    })
    .default('info')
    .describe('Least level of the lines that the worker prints'),
  failpoints: z.string().default('').describe('Tests only: crash windows to arm, for example commit.afterEntry=kill@3'),
  tables: z
    .record(name, tableSchema.nullable())
    .default({})
    .describe('By <schema>.<table>; only tables that differ need an entry'),
})

export type ConfigFile = z.input<typeof configSchema>
export type ParsedConfig = z.output<typeof configSchema>

/** tables.schema.json: environment may supply what a file leaves out, so nothing is required in the file. */
export function tablesJsonSchema(): unknown {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  delete schema.required
  for (const section of ['pipeline', 'lake', 'kafka']) delete schema.properties[section]?.required
  return { ...schema, $id: 'tables.schema.json', title: 'Sluice: tables.yaml' }
}

interface JsonSchema {
  required?: unknown
  properties: Record<string, { required?: unknown } | undefined>
}

/** docs/errors.md: names, policies and what to do come from src/core/failures.ts; what happened is told here. */
import { failureRules, type FailureCode, type Policy } from '../../src/core/failures.ts'

const chapters: readonly (readonly [digit: string, title: string])[] = [
  ['1', 'Input, configuration, claims'],
  ['2', 'Kafka'],
  ['3', 'Records'],
  ['4', 'Values and columns'],
  ['5', 'The lake'],
  ['6', 'The worker itself'],
]

const policies: Readonly<Record<Policy, string>> = {
  retry: 'tried again for ever, with growing pauses; nothing is lost and nobody is needed once the cause is gone',
  park: 'the table waits in state `blocked`; other tables go on; `resume` tries again',
  fail: 'the execution closes Failed at once; nothing was touched',
}

/** What happened, and where the short hint does not say it, what to do in steps. */
export const told: Readonly<Record<string, { readonly what: string; readonly steps?: string }>> = {
  CDC1001: {
    what: 'The input of `tableCdc`, or the argument of an update, is not what it takes. The message lists every problem and the known fields.',
  },
  CDC1002: {
    what: 'Environment or `tables.yaml` do not make a configuration. All problems are listed, each with its path and what was expected.',
    steps: 'See [configuration.md](configuration.md). The worker ends with exit code 2.',
  },
  CDC1003: {
    what: 'Somebody started a second workflow for a table that has a carrier. The second one ended; the first goes on undisturbed.',
    steps: 'The message names the first workflow. `npm run table -- status <table>` finds it by the name of the table.',
  },
  CDC1004: {
    what: 'Another workflow took the table over: usually a reset revived an execution that had ended. The revived one closed.',
  },
  CDC1005: {
    what: 'The table had moved on between the question and the answer.',
    steps: '`npm run table -- status <table>` shows the choices as they are now.',
  },
  CDC2001: {
    what: 'No broker answers, or the leader of a partition cannot be reached.',
    steps:
      'If brokers run, compare the addresses that they advertise (`advertised.listeners`) with what the worker can reach, and TLS and SASL settings.',
  },
  CDC2002: {
    what: 'Kafka has no topic of this name. The table opens by itself as soon as there is one.',
    steps:
      'The topic is `<topic prefix>.<schema>.<table>`. Check the spelling, `table.include.list` and the status of the connector: it makes the topic with the first row or change.',
  },
  CDC2003: {
    what: 'The topic has another id than the one that the table was carried from: it was deleted and made again. Its offsets mean other records now.',
    steps:
      'Nothing was read from the new topic. Where the details name no such decision, carry into a new lake URL and let Debezium take a new snapshot.',
  },
  CDC2004: {
    what: 'The topic begins behind the position of the table: retention deleted records before they were carried. The details name partition and both offsets.',
    steps:
      'The settings are `retention.ms` and `retention.bytes`. Where the details name no such decision, carry into a new lake URL and let Debezium take a new snapshot.',
  },
  CDC2005: {
    what: 'A record batch fails its CRC32C, or ends in the middle. It was read again, with the same outcome.',
    steps:
      'Nothing of the batch was written. Look at the disks of the partition leader; move leadership to a healthy replica; `resume`.',
  },
  CDC2006: {
    what: 'A compressed batch grows beyond `kafka.maxBatchBytes` when it is unpacked: a broken batch, an attack, or a limit that is too low.',
  },
  CDC2007: {
    what: 'Somebody added partitions to the topic. From then on keys may move between partitions, so their order is no longer given by offsets alone.',
    steps: 'Where the details name no such decision, carry into a new lake URL and let Debezium take a new snapshot.',
  },
  CDC2008: {
    what: 'The topic ends before the position of the table, or another record stands there: an unclean leader election cut the log back.',
    steps:
      'The lake may hold changes that Kafka no longer has: compare it with the database. `unclean.leader.election.enable=false` keeps it from happening.',
  },
  CDC2009: { what: '`cleanup.policy` of the topic contains `compact`, which deletes older changes of a key.' },
  CDC3001: {
    what: 'A record is no Debezium envelope, or a value in it does not have the form of its type. The message says where; it never quotes the value.',
    steps:
      'Look at the record by the partition and offset in the details. Usually another producer writes to the topic, or a converter or transform differs from the profile ([connector.md](connector.md)).',
  },
  CDC3002: {
    what: 'A column has a type that is not in [types.md](types.md).',
    steps: 'Records that were sent before the column was excluded still have it: they park again until their type is carried.',
  },
  CDC3003: {
    what: 'An operation other than r, c, u, d, or one that is not carried yet.',
    steps: 'Do not skip it by hand: the lake would differ from the database in silence. Open an issue with the message.',
  },
  CDC3004: {
    what: 'A record has no schema block, and the columns of the table are not declared. Types are never guessed from JSON values.',
    steps:
      'Best: `value.converter.schemas.enable=true` at the connector. Else `tables.<schema.table>.columns` and `key` in `tables.yaml`, restart the worker, `resume`.',
  },
  CDC3005: {
    what: 'A record says that it comes from another table than the topic is named for. Debezium replaces odd characters in topic names by `_`, so two names can meet.',
  },
  CDC4001: {
    what: 'A value is larger than its column in the lake can hold, for example a numeric beyond its declared precision.',
    steps: 'The range stops before the record; everything before it is committed.',
  },
  CDC4002: {
    what: 'A column changed to a type of another class, for example text to integer. A column keeps its type in the lake for ever.',
    steps: 'Growth inside a class (int to bigint, real to double, longer varchar) is no change and never parks.',
  },
  CDC4003: { what: 'A user column is named `cdc_date` or like one of the metadata columns (`__op`, `__lsn`, ...).' },
  CDC4004: { what: 'Names of columns in a Delta table are unique without regard to case; those of PostgreSQL are not.' },
  CDC4005: {
    what: 'The message key names other columns than those that the table was begun with. Latest-state views would mix rows.',
  },
  CDC4006: {
    what: 'A column is new, and `schemaChange` of the table asks to be told before its columns change (`exception`).',
  },
  CDC5001: {
    what: 'The object store does not answer, throttles, or refuses the credentials.',
    steps: 'An answer that was lost is no danger: the store is read again before anything is repeated.',
  },
  CDC5002: {
    what: 'The probe at start found that of several racing conditional puts more than one succeeded, or that a missing key does not read 404.',
    steps: 'Exactly-once rests on this answer of the store, so Sluice refuses to run without it.',
  },
  CDC5003: {
    what: 'Under the name of the next link stands an object that is not one: no Parquet, or with the footer of another place.',
    steps: 'Sluice never overwrites. Find out who writes under `<table>/data/`.',
  },
  CDC5004: {
    what: 'An entry of `_delta_log` is missing or cannot be parsed. The message names its version.',
    steps: 'Do not delete or edit entries. Restore the object from versioning or a backup, then `resume`.',
  },
  CDC5005: {
    what: 'The table in the lake was begun from another Kafka cluster or topic, or by another program.',
    steps: 'Typical causes: a copied `CDC_LAKE_URL`, two environments with one bucket, a new Kafka cluster.',
  },
  CDC5006: {
    what: 'Somebody enabled a feature of the Delta table (column mapping, deletion vectors, ...) that this writer must not ignore.',
  },
  CDC5007: {
    what: 'A link that was written more than an hour ago is gone or another one, and was not committed yet.',
    steps: 'Forbid deletes and lifecycle expiry under the table. After `resume` the range is written again from Kafka.',
  },
  CDC6001: {
    what: 'A thread that carried ranges died, for example because it ran out of memory, or gave no sign of life for half a minute and was ended. Its ranges are carried by another one; the rest of the worker went on.',
  },
}

export function errorsPage(): string {
  const codes = Object.keys(failureRules) as FailureCode[]
  const parts = chapters.map(([digit, title]) => {
    const own = codes.filter((code) => code.startsWith(`CDC${digit}`))
    return `## ${title}\n\n${own.map(entry).join('\n\n')}`
  })
  const all = (Object.keys(policies) as Policy[]).map((policy) => `- **${policy}**: ${policies[policy]}.`)
  return `# Errors

Every failure that Sluice can name has a code that stays the same for ever. Where you meet it: the status of a table, the details and the
failure of its workflow in the Web UI, the log of the worker. What becomes of the table:

${all.join('\n')}

${parts.join('\n\n')}
`
}

function entry(code: FailureCode): string {
  const { name, policy, hint } = failureRules[code]
  const { what = '', steps } = told[code] ?? {}
  return `### ${code}\n\n**${name}** (${policy}). ${what}\n\n${hint}${steps ? ` ${steps}` : ''}`
}

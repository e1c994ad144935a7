/**
 * Every failure that Sluice itself can name: a stable code, what becomes of the table, and what a person does next.
 * The policy table is the one place that decides between retrying, parking and failing; the retry list is narrow.
 */

/**
 * - `retry`: passes by itself (a broker restarts, a store throttles); the activity is tried again for ever, with back-off.
 * - `park`: retrying cannot mend it; the table waits in state `blocked` with code and hint until somebody says `resume`.
 * - `fail`: the execution closes Failed at once; nothing was touched.
 */
export type Policy = 'retry' | 'park' | 'fail'

interface Rule {
  readonly name: string
  readonly policy: Policy
  readonly hint: string
}

export const failureRules = {
  CDC1001: { name: 'InvalidInput', policy: 'fail', hint: 'Give one JSON object as input, for example {"table":"flights"}.' },
  CDC1002: {
    name: 'InvalidConfig',
    policy: 'fail',
    hint: 'Mend the environment or tables.yaml at the paths named, then start the worker again.',
  },
  CDC1003: {
    name: 'CarrierExists',
    policy: 'fail',
    hint: 'This table is carried already: look at the workflow named, or stop it first.',
  },
  CDC1004: { name: 'ClaimLost', policy: 'fail', hint: 'Another workflow carries this table now; nothing is left to do here.' },
  CDC1005: {
    name: 'DecisionRefused',
    policy: 'park',
    hint: 'The decision was about a state that is no longer so, and nothing of it was applied: take one of the choices, or resume without a decision.',
  },

  CDC2001: {
    name: 'KafkaUnavailable',
    policy: 'retry',
    hint: 'Check that the brokers run and that the worker reaches their advertised addresses.',
  },
  CDC2002: {
    name: 'TopicMissing',
    policy: 'retry',
    hint: 'Check the table name and the connector: its topic does not exist yet.',
  },
  CDC2003: {
    name: 'TopicRecreated',
    policy: 'park',
    hint: 'The topic was deleted and made again: check what was lost, then resume with the decision openEpoch, which carries the new topic from its beginning.',
  },
  CDC2004: {
    name: 'DataLoss',
    policy: 'park',
    hint: 'Kafka no longer holds records that were not carried: raise retention, resume with the decision acceptGap, then take a new snapshot.',
  },
  CDC2005: {
    name: 'CorruptBatch',
    policy: 'park',
    hint: 'A record batch fails its checksum or its format: check the disks of the broker, then resume.',
  },
  CDC2006: {
    name: 'OversizedBatch',
    policy: 'park',
    hint: 'A record batch decompresses to more than the limit: raise CDC_MAX_BATCH_BYTES if it is genuine, then resume.',
  },
  CDC2007: {
    name: 'PartitionsGrew',
    policy: 'park',
    hint: 'The topic has more partitions, and not a multiple of those it had, so that keys moved between old ones: resume with the decision admitPartitions; the order of one key is then by LSN only.',
  },
  CDC2008: {
    name: 'LogTruncated',
    policy: 'park',
    hint: 'The topic ends before the position of the table, or holds another record there (unclean leader election): resume with the decision openEpoch, which carries what Kafka still has once more, then compare with the database.',
  },
  CDC2009: {
    name: 'CompactedTopic',
    policy: 'park',
    hint: 'Set cleanup.policy=delete on the topic: compaction removes changes that were not carried.',
  },

  CDC3001: {
    name: 'UndecodableRecord',
    policy: 'park',
    hint: 'A record is not a Debezium change event: find out who writes to this topic, then resume; or set such records aside (badRecords: quarantine).',
  },
  CDC3002: {
    name: 'UnsupportedType',
    policy: 'park',
    hint: 'This column type is not carried yet: leave the column out at the connector (column.exclude.list), then resume.',
  },
  CDC3003: { name: 'UnsupportedOperation', policy: 'park', hint: 'This kind of change is not carried yet.' },
  CDC3004: {
    name: 'SchemaUnknown',
    policy: 'park',
    hint: 'The topic carries no schemas: declare the columns of the table in tables.yaml, or set value.converter.schemas.enable=true.',
  },
  CDC3005: {
    name: 'ForeignTable',
    policy: 'park',
    hint: 'One topic carries two tables: rename one of them or route it to a topic of its own.',
  },

  CDC4001: {
    name: 'ValueOutOfRange',
    policy: 'park',
    hint: 'A value does not fit the type of its column in the lake; nothing was rounded or cut. Choose another type (lakeTypes), or set such records aside (badRecords: quarantine).',
  },
  CDC4002: {
    name: 'TypeChanged',
    policy: 'park',
    hint: 'A column left its type class: resume with one of the decisions that the details name.',
  },
  CDC4003: {
    name: 'ReservedName',
    policy: 'park',
    hint: 'A column is named like one of the lake: resume with one of the decisions that the details name.',
  },
  CDC4004: {
    name: 'NamesClash',
    policy: 'park',
    hint: 'Two columns would share one in the lake: resume with one of the decisions that the details name.',
  },
  CDC4005: {
    name: 'KeyChanged',
    policy: 'park',
    hint: 'The primary key of the table changed: resume with the decision that the details name.',
  },
  CDC4006: {
    name: 'ColumnAdded',
    policy: 'park',
    hint: 'A column is new and schemaChange of this table is exception: resume with one of the decisions that the details name.',
  },

  CDC5001: {
    name: 'StoreUnavailable',
    policy: 'retry',
    hint: 'Check that the object store answers and that the credentials are good.',
  },
  CDC5002: {
    name: 'StoreUnsafe',
    policy: 'fail',
    hint: 'This store does not honour If-None-Match: use one that does (Amazon S3, SeaweedFS, MinIO, versitygw).',
  },
  CDC5003: {
    name: 'ForeignObject',
    policy: 'park',
    hint: 'An object that Sluice did not write stands under the name of the next link: look at it and move it away, then resume.',
  },
  CDC5004: {
    name: 'BrokenLog',
    policy: 'park',
    hint: 'The log of the table cannot be read: do not write to it; restore the entry that is named.',
  },
  CDC5005: {
    name: 'ForeignTableRoot',
    policy: 'park',
    hint: 'The table in the lake is bound to another Kafka cluster or topic: point this pipeline to another lake URL, or to the old cluster.',
  },
  CDC5006: {
    name: 'UnsupportedProtocol',
    policy: 'park',
    hint: 'The table uses Delta features that Sluice does not write: undo them, or carry into a new table.',
  },
  CDC5007: {
    name: 'LinkMissing',
    policy: 'park',
    hint: 'An object that was written is gone before it was committed: check lifecycle rules and who may delete in the lake, then resume.',
  },

  CDC6001: {
    name: 'ThreadLost',
    policy: 'retry',
    hint: "A thread of the worker died or hung: its log says why. Where it ran out of memory, lower the table's batch.maxBytes.",
  },
} as const satisfies Record<string, Rule>

export type FailureCode = keyof typeof failureRules

/** The failure's name by code, so that call sites read as words: `code.DataLoss`. */
export const code = Object.fromEntries(Object.entries(failureRules).map(([c, rule]) => [rule.name, c])) as {
  readonly [C in FailureCode as (typeof failureRules)[C]['name']]: C
}

/** A failure with a stable code. `message` says what happened to which thing; it never holds row values or secrets. */
export class CdcFailure extends Error {
  override readonly name = 'CdcFailure'
  readonly code: FailureCode
  readonly hint: string
  /** Small, plain JSON for a program: offsets, column names, the choices a person has. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: FailureCode,
    message: string,
    options: { hint?: string; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(`${code} ${message}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? failureRules[code].hint
    this.details = options.details ?? {}
  }

  get policy(): Policy {
    return failureRules[this.code].policy
  }
}

export function isFailureCode(text: unknown): text is FailureCode {
  return typeof text === 'string' && Object.hasOwn(failureRules, text)
}

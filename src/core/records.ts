/**
 * Kafka records as spans over the bytes they came in: no object a record. One block is one record batch, decompressed,
 * already freed of control records and aborted transactions, clipped to the range asked for.
 */
export interface RecordBlock {
  /** The records' section of the batch; every span below is into it. */
  readonly bytes: Uint8Array
  readonly count: number
  /** Of `count` records or more, as all arrays below. Offset of record i = baseOffset + offsetDelta[i]. */
  readonly baseOffset: bigint
  readonly offsetDelta: Int32Array
  /** Kafka timestamps, ms since 1970. */
  readonly timestamp: Float64Array
  /** Half-open spans; a start of -1 is a null key or value. */
  readonly keyStart: Int32Array
  readonly keyEnd: Int32Array
  readonly valueStart: Int32Array
  readonly valueEnd: Int32Array
}

/**
 * A step of a range read. A block's bytes are used again: it is valid until the next one is asked for, of any range of this thread,
 * so blocks are taken one by one and without waiting for anything. Asking for one throws CDC2005 and CDC2006.
 */
export interface RangeStep {
  readonly blocks: Iterable<RecordBlock>
  /** After the last block: everything below has been seen, whether it held visible records or not. */
  readonly next: bigint
}

/** What a topic is, by one Metadata answer; `id` is the topic id (a uuid), which a re-created topic does not share. */
export interface TopicIdentity {
  readonly clusterId: string
  readonly topic: string
  readonly id: string
}

/** `low` = log start, `high` = high watermark, `stable` = last stable offset: what read_committed may read up to. */
export interface Watermarks {
  readonly partition: number
  readonly low: bigint
  readonly stable: bigint
  readonly high: bigint
}

/** Reads exactly [from, to) of one partition, read_committed, by topic id and leader epoch. The last step's `next` is `to`. */
export interface RangeReader {
  read(range: ReadRequest): AsyncIterable<RangeStep>
}

export interface ReadRequest {
  readonly topic: TopicIdentity
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
  readonly signal: AbortSignal
}

/** What a topic is and how far each of its partitions reaches, in one answer. */
export interface TopicState {
  readonly identity: TopicIdentity
  readonly partitions: readonly Watermarks[]
}

/** What a part of the bench is given, and what it answers. */
import type { Stack } from '../scripts/stack/start.ts'
import type { Usage } from './meter.ts'
import type { BenchTopic, TopicPlan } from './topic.ts'

export interface Bench {
  /** The real parts, one stack for the whole run. */
  readonly stack: Stack<'kafka' | 'store' | 'temporal'>
  /** Under a quarter of an hour with all set-up: fewer rounds, smaller backlogs. */
  readonly quick: boolean
  /** Records of the topic that is caught up with, tombstones included. */
  readonly rows: number
  /** Alternating runs of each contender. */
  readonly rounds: number
  /** Made when it is first asked for. Without a plan: `rows` bare messages, what all contenders read. */
  topic(plan?: Partial<TopicPlan>): Promise<BenchTopic>
  /** Says in plain words what goes on. */
  readonly step: (text: string) => void
}

/** A chapter of RESULTS.md. */
export interface Section {
  readonly title: string
  /** How it was measured and what it says, in whole sentences; one a paragraph. */
  readonly text: readonly string[]
  readonly tables: readonly Table[]
  /** What the bench's last line is made of. */
  readonly figures?: Partial<Figures>
}

/** The first row is the head. */
export type Table = readonly (readonly string[])[]

/** CPU in us a row of the topic. */
export interface Figures {
  readonly sluiceRowsASecond: number
  readonly sluiceCpuUs: number
  readonly sparkRowsASecond: number
  readonly sparkCpuUs: number
  readonly floorCpuUs: number
}

export type Part = (bench: Bench) => Promise<Section>

/** Somebody who carries a topic into a folder of the bucket. */
export interface Contender {
  /** As tables show it: `Sluice`, `Spark 3.5.5`. */
  readonly name: string
  /** One run from nothing: a process of its own, a place of its own in the lake. */
  run(topic: BenchTopic): Promise<Run>
}

/** From the order to begin until the last row is committed; start of the process not counted. */
export interface Run extends Usage {
  /** Data files that were written, and their bytes. */
  readonly files: number
  readonly bytes: number
}

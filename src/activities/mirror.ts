/** Best effort and never in the way (DESIGN §4.11): the position in the Kafka group, so that lag tools show what the log says. */
import { log } from '@temporalio/activity'
import type { ResolvedTable } from '../config/config.ts'
import { reading } from '../core/batchPlan.ts'
import type { Position } from '../core/receipts.ts'
import type { ActivityDeps } from './deps.ts'

export function mirror({ config, kafka }: ActivityDeps, table: ResolvedTable, positions: readonly Position[]): void {
  if (!config.kafka.group) return
  const offsets = new Map(positions.map((position) => [position.partition, reading(position)]))
  kafka.mirrorOffsets(config.kafka.group, table.topic, offsets).catch((error: unknown) => {
    log.warn('offsets were not mirrored to the Kafka group; lag tools show old values', { table: table.name, error })
  })
}

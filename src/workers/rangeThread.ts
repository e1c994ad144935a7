/** What a thread that carries ranges runs, with doors of its own. Nothing of Temporal is loaded here: that would be memory for nothing. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import { nothing } from '../core/failpoints.ts'
import { openKafka } from '../kafka/door.ts'
import { kafkaSettings, openStore } from './doors.ts'
import { rangeCarrier } from './rangeCarrier.ts'
import { serveRanges } from './threadServer.ts'

const config = workerData as Config

serveRanges(parentPort!, ({ reach, log }) =>
  rangeCarrier(config, {
    reader: openKafka(kafkaSettings(config, log)),
    store: openStore(config.lake),
    reach: config.failpoints === '' ? nothing : reach,
  }),
)

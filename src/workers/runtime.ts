/** Temporal's runtime with its logs, and those of workflows and activities, going to pino as JSON lines. */
import { DefaultLogger, makeTelemetryFilterString, Runtime, type LogEntry, type LogLevel } from '@temporalio/worker'
import { pino, type Logger } from 'pino'
import type { Config } from '../config/config.ts'

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const satisfies Record<
  LogLevel,
  string
>

export function pinoLogger(level: Config['logLevel']): Logger {
  return pino({ name: 'sluice', level, base: undefined as never, timestamp: pino.stdTimeFunctions.isoTime })
}

/** Once, before any worker or native connection is made. */
export function installRuntime(logger: Logger): void {
  const bridge = new DefaultLogger('TRACE', ({ level, message, meta, timestampNanos: _ }: LogEntry) => {
    const { error, ...fields } = (meta ?? {}) as Record<string, unknown>
    logger[levels[level]](error === undefined ? fields : { ...fields, err: error }, message)
  })
  Runtime.install({
    logger: bridge,
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) } },
  })
}

/** The connection to Temporal, from the same environment and temporal.toml that the `temporal` command reads. */
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { NativeConnection } from '@temporalio/worker'

export interface TemporalPlace {
  readonly connection: NativeConnection
  readonly address: string
  readonly namespace: string
}

/** Throws `TemporalUnreachable`, whose message is one line for a person. */
export async function connectTemporal(): Promise<TemporalPlace> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig()
  const address = connectionOptions.address ?? '127.0.0.1:7233'
  try {
    const connection = await NativeConnection.connect({ ...connectionOptions, address })
    return { connection, address, namespace }
  } catch (error) {
    throw new TemporalUnreachable(address, error)
  }
}

export class TemporalUnreachable extends Error {
  constructor(address: string, cause: unknown) {
    const text = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : ''
    const why = /message: "([^"]+)"/.exec(text)?.[1] ?? text // the transport's innermost reason
    super(`Temporal cannot be reached at ${address} (${why}): start it, or set TEMPORAL_ADDRESS or TEMPORAL_PROFILE.`, { cause })
  }
}

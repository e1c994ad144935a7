/** The real parts with the airline database and its connector, until Ctrl-C. */
import { loadAirline } from './stack/airline.ts'
import { registerConnector } from './stack/connector.ts'
import { startStack } from './stack/start.ts'

const startedAt = Date.now()
const step = (label: string, elapsedMs = Date.now() - startedAt) =>
  console.log(`${(elapsedMs / 1000).toFixed(1).padStart(6)} s  ${label}`)

try {
  const stack = await startStack({ name: 'stack', progress: step })
  await loadAirline(stack.postgres)
  step('database airline: 2,000 customers, 500 flights, 20,000 bookings')
  await registerConnector(stack.connect.url, {
    name: 'airline',
    postgres: stack.postgres,
    database: 'airline',
    topicPrefix: 'airline',
    slot: 'cdc_airline',
    publication: 'cdc_airline',
    tables: ['public.customers', 'public.flights', 'public.bookings'],
  })
  step('connector airline: the snapshot is in Kafka, changes follow')

  const { postgres, kafka, connect, s3, temporal } = stack
  console.log(`
  PostgreSQL   ${postgres.url.replace(/[^/]*$/, 'airline')}
  Kafka        ${kafka.brokers.join(',')}          topics airline.public.customers, .flights, .bookings
  Connect      ${connect.url}/connectors/airline/status
  S3           ${s3.endpoint}   bucket ${s3.bucket}, key ${s3.accessKeyId}, secret ${s3.secretAccessKey}
  Temporal     ${temporal.address}   web UI ${temporal.uiUrl}
  Logs         ${stack.dir}/logs

Try next:
  change a row      psql ${postgres.url.replace(/[^/]*$/, 'airline')} -c "UPDATE bookings SET status = 'FLOWN' WHERE booking_id = 1"
  see Temporal      ${temporal.cli} workflow list --address ${temporal.address}
  stop              Ctrl-C
`)
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
// Signals end the process; until then there is something to wait for.
setInterval(() => undefined, 2 ** 30)

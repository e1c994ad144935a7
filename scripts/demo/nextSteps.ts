import type { StackFacts } from '../stack/start.ts'
import { workerEnv } from '../stack/worker.ts'

/** What to look at and what to try while the demo keeps running: whole commands, to be copied. */
export function nextSteps(
  stack: StackFacts,
  {
    database,
    topicPrefix,
    lakePrefix,
    placeholder,
  }: { database: string; topicPrefix: string; lakePrefix: string; placeholder: string },
): string {
  const { temporal, connect } = stack
  const url = stack.postgres.url.replace(/[^/]*$/, database)
  const worker = workerEnv(stack, { topicPrefix, database, lakePrefix, env: { CDC_PLACEHOLDER: placeholder } })
  const env = Object.entries({ ...worker, DATABASE_URL: url })
  const exports = env.map(([name, value]) => `export ${name}='${value}'`).join('\n    ')
  return `
Everything keeps running until Ctrl-C. Look at it:

  Temporal Web UI   ${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows
  connector         ${connect.url}/connectors/airline/status
  logs              ${stack.dir}/logs

Try, in another terminal in this folder. First tell it where everything is:

    ${exports}

Then:

    npm run table -- list                          how all tables are
    npm run table -- status flights                one of them
    npm run query                                  the lake: tables, columns, counts
    npm run query -- "SELECT __op, count(*) FROM flights GROUP BY ALL"
    npm run topics                                 Kafka: topics, partitions, offsets

Change something, and see it arrive:

    npm run sql -- "UPDATE flights SET cancelled = true WHERE flight_id = 1"
    npm run table -- flush flights
    npm run query -- "SELECT __op, __source_ts, cancelled FROM flights WHERE flight_id = 1 ORDER BY __commit_lsn, __lsn"

Hold a table, end it, start it again where it ended:

    npm run table -- pause bookings
    npm run table -- resume bookings
    npm run table -- stop flights
    npm run table -- start flights
`
}

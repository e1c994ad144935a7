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
  const { kafka, s3, temporal, connect } = stack
  const url = stack.postgres.url.replace(/[^/]*$/, database)
  const env = Object.entries(workerEnv(stack, { topicPrefix, database, lakePrefix, env: { CDC_PLACEHOLDER: placeholder } }))
  const exports = env.map(([name, value]) => `export ${name}='${value}'`).join('\n    ')
  return `
Everything keeps running until Ctrl-C. Look at it:

  Temporal Web UI   ${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows
  connector         ${connect.url}/connectors/airline/status
  topics            kcat -b ${kafka.brokers[0]} -L
                    kcat -b ${kafka.brokers[0]} -t ${topicPrefix}.public.flights -C -X isolation.level=read_committed -o -5 -e
  objects           AWS_ACCESS_KEY_ID=${s3.accessKeyId} AWS_SECRET_ACCESS_KEY=${s3.secretAccessKey} \\
                      aws --endpoint-url ${s3.endpoint} s3 ls --recursive s3://${s3.bucket}/${lakePrefix}/
  rows              npm run query -- "SELECT __op, count(*) FROM flights GROUP BY ALL"
  logs              ${stack.dir}/logs

Try, in another terminal in this folder:

    ${exports}
    npm run table -- status flights
    psql ${url} -c "UPDATE flights SET cancelled = true WHERE flight_id = 1"
    npm run table -- flush flights
    npm run table -- pause bookings
    npm run table -- resume bookings
`
}

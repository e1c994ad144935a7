/** docs/types.md: from the type table of src/debezium. */
import { omittedTypes, refusedSources, typeTable, type TypeRow } from '../../src/debezium/typeTable.ts'
import { markdownTable } from './markdown.ts'

export const notes: Readonly<Record<string, string>> = {
  integer: 'exact, all 64 bits',
  real: 'the float that PostgreSQL prints, as a double; NaN and infinities stay',
  double: 'exact; NaN and infinities stay',
  decimal: 'exact; NaN and infinity: NULL and a note in `__special`; a value beyond the precision parks (CDC4001)',
  money: 'exact; more than 18 digits or more than two after the point parks (CDC4001)',
  boolean: '',
  text: 'as PostgreSQL prints it',
  base64: 'exact',
  interval: 'ISO 8601, as P1Y2M3DT4H5M6S',
  bits: 'its n digits, as 00101',
  json: 'the JSON that Debezium makes of it, word for word: coordinates, and WKB in base64',
  date: 'infinity and years outside 1 to 9999: NULL and a note in `__special`',
  time: 'microseconds, as text',
  timestamp: 'microseconds, without zone; infinity and years outside 1 to 9999: NULL and a note in `__special`',
  timestamptz: 'microseconds, UTC; infinity and years outside 1 to 9999: NULL and a note in `__special`',
}

/** Where the encoding alone does not tell it. */
const particular: Readonly<Record<string, string>> = {
  timetz: 'in UTC: Debezium does not send the offset',
  hstore: 'JSON: keys to texts or null',
  tsvector: 'as PostgreSQL prints it',
  enum: 'the label',
}

export function typesPage(): string {
  const rows = typeTable.map((row) => [
    row.postgres.join(', '),
    sent(row),
    row.lake,
    particular[row.postgres[0]!] ?? notes[row.encoding] ?? '',
  ])
  return `# Types

From PostgreSQL's types to the lake's. Each column of the lake keeps its type for ever; all user columns may be NULL, since a delete carries
only the key. The profile of the connector ([connector.md](connector.md)) makes Debezium send what the second column says; a topic without
schemas takes the same types, declared in \`tables.yaml\`.

${markdownTable(['PostgreSQL', 'Debezium sends', 'lake', 'notes'], rows)}

- **numeric(p,s)** with p up to 18 becomes \`decimal(18,s)\`, up to 38 \`decimal(38,s)\`, so a precision that grows inside its class is no change.
  Without a precision, with more than 38 digits, with a negative scale or one above the precision it becomes \`string\`, digit for digit.
- **Arrays** of one dimension become \`array<type of the element>\`, for every type of the table that has no note below; null elements, empty
  arrays and NULL are kept apart. Elements without a place in their type are NULL there, and \`__special\` holds a JSON list of the same
  length with their texts: \`[null,"infinity"]\`. An array whose elements do not fit is refused whole.
- **Domains** arrive as the type below them, but without its name: over numeric and money they are \`string\`, digit for digit; over bit they
  are refused.
- **bit(1)** arrives as a boolean and is one; **bit(n)** is text.
- **\`__special\`** is JSON, column to text, for instance \`{"valid_to":"infinity"}\`: what the type of the lake cannot say. It is NULL in nearly
  all rows.
- **TOAST.** A large value that an update did not touch is not sent. It reads NULL, and \`__unchanged_toast\` names its column; the value
  stands in an earlier change of the key. \`<table>_now\` of \`npm run query\` fills it in.
- **Schema changes.** A new column appears in the table before the first row that has it. A dropped one stays and reads NULL from then on. What
  leaves its class parks with CDC4002.

## A type of your choice

For a column that is new to the lake, \`tables.yaml\` may name another type, since types stay for ever:

\`\`\`yaml
tables:
  public.payments:
    lakeTypes:
      amount: decimal(38,10) # a numeric without a precision; a value with more digits parks with CDC4001, nothing is rounded
      valid_to: string # keeps infinity and years beyond 9999 in the column itself
\`\`\`

numeric may be \`decimal(18,s)\`, \`decimal(38,s)\` or \`string\`; money, date, timestamp and timestamptz may be \`string\`; arrays of them
\`array<...>\` of the same. What is in the lake already keeps its type, whatever the file says later.

## What is refused, and what nobody can see

Debezium has no true form for some types. Where the schema tells it, the table parks with CDC3002 and the column is left out at the
connector (\`column.exclude.list\`):

${Object.values(refusedSources)
  .map((reason) => `- ${reason}`)
  .join('\n')}
- time[]: Debezium cuts it to milliseconds
- arrays of line, lseg, box, path, polygon and circle: Debezium sends NULL

Where a single value cannot be converted, \`event.converting.failure.handling.mode=fail\` stops the connector with the column's name, instead
of the NULL that it would write otherwise: NaN inside \`numeric[]\`; NULL inside arrays of enum, ltree and tsvector; time zones with seconds in timetz; and a large array (of other than whole numbers, text, bytea, uuid and JSON) or
path or polygon that an update did not touch, unless the table has \`REPLICA IDENTITY FULL\`.

Columns of these types Debezium leaves out of its events, so the lake has no such column: ${omittedTypes.join(', ')}.

And these values arrive as others, with nothing that tells: compare with the database where they matter.

- arrays of several dimensions: of numbers, booleans, dates and times each inner array is NULL; of texts the table parks (CDC4001).
  \`[5:7]={1,2,3}\` loses its bounds
- dates before year 1 that a snapshot reads: their era is lost; from 1582-10-05 to 1582-10-14 they move by ten days. Changes that are
  streamed are right. In arrays of dates and timestamps elements before 1582-10-25 park (CDC4001), since some of them arrive wrong
- time \`24:00:00\` is \`00:00:00\`; timetz is in UTC, its own offset is lost
- interval \`infinity\` (PostgreSQL 17 and newer) is \`P0Y0M0DT0H0M0S\`
- the time zone in which a tstzrange is printed is that of the connector's session
`
}

function sent({ connect, semantic, source }: TypeRow): string {
  const names = semantic.map((name) => (name === null ? '' : ` ${name.replace(/^io\.debezium\./, '')}`))
  const types = connect.flatMap((type) => names.map((name) => `${type}${name}`))
  return `${types.join(', ')}${source === undefined ? '' : `, source type ${source}`}`
}

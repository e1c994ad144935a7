/** docs/types.md: from the type table of src/debezium. */
import { typeTable, type TypeRow } from '../../src/debezium/typeTable.ts'
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
  bits: 'the bits as text: 101',
  json: 'one JSON text',
  date: 'infinity and years outside 1 to 9999: NULL and a note in `__special`',
  time: 'microseconds, as text',
  timestamp: 'microseconds, without zone; infinity and years outside 1 to 9999: NULL and a note in `__special`',
  timestamptz: 'microseconds, UTC; infinity and years outside 1 to 9999: NULL and a note in `__special`',
}

/** Where the encoding alone does not tell it. */
const particular: Readonly<Record<string, string>> = {
  timetz: 'in UTC: Debezium does not send the offset',
  interval: 'ISO 8601, as P1Y2M3DT4H5M6S',
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
- **Not in the table** (arrays, composites, bit, hstore, geometry, ...): the table parks with CDC3002 and says which column. Nothing is guessed.
- **\`__special\`** is JSON, column to text, for instance \`{"valid_to":"infinity"}\`: what the type of the lake cannot say. It is NULL in nearly
  all rows.
- **TOAST.** A large value that an update did not touch is not sent. It reads NULL, and \`__unchanged_toast\` names its column; the value
  stands in an earlier change of the key. \`<table>_now\` of \`npm run query\` fills it in.
- **Schema changes.** A new column appears in the table before the first row that has it. A dropped one stays and reads NULL from then on. What
  leaves its class parks with CDC4002.
`
}

function sent({ connect, semantic, source }: TypeRow): string {
  const names = semantic.map((name) => (name === null ? '' : ` ${name.replace(/^io\.debezium\./, '')}`))
  const types = connect.flatMap((type) => names.map((name) => `${type}${name}`))
  return `${types.join(', ')}${source === undefined ? '' : `, source type ${source}`}`
}

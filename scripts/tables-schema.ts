/** Writes tables.schema.json, by which editors check tables.yaml. */
import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { tablesJsonSchema } from '../src/config/schema.ts'

const path = new URL('../tables.schema.json', import.meta.url)
const options = { ...(await resolveConfig(path)), parser: 'json' }
writeFileSync(path, await format(JSON.stringify(tablesJsonSchema()), options))

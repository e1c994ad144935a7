/** Writes the pages of docs/ that come from code. A test holds them equal. */
import { writeFileSync } from 'node:fs'
import { configurationPage } from './docs/configurationPage.ts'
import { errorsPage } from './docs/errorsPage.ts'
import { typesPage } from './docs/typesPage.ts'

const pages = { errors: errorsPage, types: typesPage, configuration: configurationPage }

for (const [name, page] of Object.entries(pages)) writeFileSync(new URL(`../docs/${name}.md`, import.meta.url), page())

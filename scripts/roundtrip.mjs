// npm run roundtrip: every type from PostgreSQL through the whole pipeline and back, with a verdict.
import { prepare, runNode } from './bootstrap.mjs'

prepare()
process.exit(await runNode(['--import', 'tsx', 'scripts/roundtrip.ts', ...process.argv.slice(2)]))

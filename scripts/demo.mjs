// npm run demo: PostgreSQL to Parquet and back, with a verdict.
import { prepare, runNode } from './bootstrap.mjs'

prepare()
process.exit(await runNode(['--import', 'tsx', 'scripts/demo.ts', ...process.argv.slice(2)]))

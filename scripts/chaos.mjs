// npm run chaos: everything is broken by a plan, and both sides are compared.
import { prepare, runNode } from './bootstrap.mjs'

prepare()
process.exit(await runNode(['--import', 'tsx', 'scripts/chaos.ts', ...process.argv.slice(2)]))

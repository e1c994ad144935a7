// npm run stack: the real parts on this machine, until Ctrl-C.
import { prepare, runNode } from './bootstrap.mjs'

prepare()
process.exit(await runNode(['--import', 'tsx', 'scripts/stack.ts', ...process.argv.slice(2)]))

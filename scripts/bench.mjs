// npm run bench: Sluice, its stages and its peers on the same rows, on this machine.
import { prepare, runNode } from './bootstrap.mjs'

prepare()
process.exit(await runNode(['--import', 'tsx', 'bench/bench.ts', ...process.argv.slice(2)]))

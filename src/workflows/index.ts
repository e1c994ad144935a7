export { tableCdc } from './tableCdc.ts'
export { tableClaim } from './tableClaim.ts'

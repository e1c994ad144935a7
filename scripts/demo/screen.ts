/** What the demo shows: one line a step with the time since the start, a line that moves while something lasts, and tables. */
const startedAt = Date.now()
const moving = process.stdout.isTTY && process.env['CI'] === undefined
let open = false

export function step(text: string): void {
  clear()
  console.log(`${stamp()}  ${text}`)
}

/** Replaces the last such line on a terminal; elsewhere only every tenth is printed. */
export function during(text: string, nth: number): void {
  if (moving) {
    process.stdout.write(`\r\u001b[K${stamp()}  ${text}`)
    open = true
  } else if (nth % 10 === 0) console.log(`${stamp()}  ${text}`)
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n')
}

export function count(n: number): string {
  return n.toLocaleString('en-US')
}

function stamp(): string {
  return `${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s`
}

function clear(): void {
  if (open) process.stdout.write('\r\u001b[K')
  open = false
}

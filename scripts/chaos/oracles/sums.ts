/** Transfers leave the sum of all balances as it is: at each boundary of a transaction the lake's rows must add up to it. */

/** Changes of `accounts`, in the database's order; what a snapshot read comes first. */
export const balances = `SELECT __op AS op, __tx_id AS tx, account, balance FROM lake_delta WHERE __snapshot IS DISTINCT FROM 'incremental'
  ORDER BY __epoch, __op <> 'r', coalesce(__commit_lsn, __lsn), __lsn, __tx_order, __kafka_offset`

export interface BalanceRow {
  readonly op: string
  /** Null for what a snapshot read. */
  readonly tx: string | null
  readonly account: string
  readonly balance: number
}

export interface Sums {
  readonly boundaries: number
  readonly wrong: readonly string[]
}

/** `ends`: how many changes of the table a transaction had, by the connector's mark at its end. */
export function wrongSums(rows: readonly BalanceRow[], ends: ReadonlyMap<string, number>, sum: number): Sums {
  const wrong: string[] = []
  const now = new Map<string, number>()
  const done = new Set<string>()
  let boundaries = 0
  for (let at = 0; at < rows.length;) {
    const { op, tx } = rows[at]!
    const begun = at
    while (at < rows.length && (op === 'r' ? rows[at]!.op === 'r' : rows[at]!.tx === tx && rows[at]!.op !== 'r')) {
      now.set(rows[at]!.account, rows[at]!.balance)
      at++
    }
    const name = op === 'r' ? 'the snapshot' : `transaction ${tx}`
    if (done.has(name)) wrong.push(`the changes of ${name} do not stand together`)
    done.add(name)
    const expected = op === 'r' ? at - begun : (ends.get(tx!) ?? 0)
    if (at - begun !== expected) wrong.push(`${name} had ${expected} changes, and ${at - begun} are in the lake`)
    const total = [...now.values()].reduce((all, one) => all + one, 0)
    boundaries++
    if (total !== sum) wrong.push(`behind ${name} the balances add up to ${total}, not ${sum}`)
  }
  for (const tx of ends.keys()) {
    if (!done.has(`transaction ${tx}`)) wrong.push(`transaction ${tx} had ${ends.get(tx)} changes, and none is in the lake`)
  }
  return { boundaries, wrong }
}

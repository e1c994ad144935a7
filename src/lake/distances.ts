/** The values of an integer column as their distances from the first one: plain numbers, exact, made without a bigint each. */
import { IntColumn, LongColumn, type ColumnBuilder } from '../core/columns.ts'

export interface Distances {
  readonly first: bigint
  /** Of each value; more may stand behind them. They hold until the next are asked for. */
  readonly values: Float64Array
  readonly count: number
  readonly least: number
  readonly greatest: number
}

/** Between the least and the greatest of longs: what is added up of two distances then still is exact. */
const maxRange = 2 ** 51
/** Of integers: a difference is an integer itself, as some readers take it for one. */
const maxIntRange = 2 ** 31

let room = new Float64Array(1024)

/** Null for no values, for other types, and where values lie too far apart. */
export function distancesOf(leaf: ColumnBuilder): Distances | null {
  const count = leaf.values
  if (count === 0) return null
  if (count > room.length) room = new Float64Array(Math.max(count, room.length * 2))
  if (leaf instanceof LongColumn) return distancesOfLongs(leaf, room)
  if (leaf instanceof IntColumn) return distancesOfIntegers(leaf, room)
  return null
}

function distancesOfIntegers({ data, values: count }: IntColumn, values: Float64Array): Distances | null {
  const first = data[0]!
  let least = 0
  let greatest = 0
  for (let k = 0; k < count; k++) {
    const distance = data[k]! - first
    values[k] = distance
    if (distance < least) least = distance
    else if (distance > greatest) greatest = distance
  }
  return greatest - least < maxIntRange ? { first: BigInt(first), values, count, least, greatest } : null
}

function distancesOfLongs({ data, values: count }: LongColumn, values: Float64Array): Distances | null {
  // Halves of each long, low one first.
  const words = new Int32Array(data.buffer, data.byteOffset, count * 2)
  const low = words[0]! >>> 0
  const high = words[1]!
  let least = 0
  let greatest = 0
  for (let k = 0; k < count; k++) {
    let distance = (words[k * 2]! >>> 0) - low
    const upper = words[k * 2 + 1]!
    if (upper !== high) distance += (upper - high) * 0x1_0000_0000
    values[k] = distance
    if (distance < least) least = distance
    else if (distance > greatest) greatest = distance
  }
  return greatest - least < maxRange ? { first: data[0]!, values, count, least, greatest } : null
}

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomOf } from '../random.ts'
import { projectRoot } from '../stack/places.ts'

/** Where the CSV files go: a folder that Git ignores. */
export const airlineDir = join(projectRoot, '.stack', 'airline')

const COUNTS = { customers: 2_000, flights: 500, bookings: 20_000 }
const DAY_MS = 86_400_000
const FIRST_DAY = Date.UTC(2026, 0, 1)

type Cell = string | number | boolean | null

/** Writes customers.csv, flights.csv and bookings.csv: the same bytes every time. Returns the folder. */
export function writeAirline(dir = airlineDir): string {
  const random = randomOf(20261125)
  mkdirSync(dir, { recursive: true })
  write(dir, 'customers', customers(random))
  write(dir, 'flights', flights(random))
  write(dir, 'bookings', bookings(random))
  return dir
}

const GIVEN = [
  'Ada',
  'Björn',
  'Chiara',
  'Dmitri',
  'Élodie',
  'Femi',
  'Grace',
  'Hana',
  'Ivan',
  'João',
  'Kofi',
  'Łucja',
  'Mei',
  'Noor',
]
const FAMILY = [
  'Abe',
  'Brown',
  "D'Angelo",
  'Fischer',
  'García',
  'Haddad',
  'Jensen',
  'Kowalska',
  'Lee',
  'Müller',
  'Okafor',
  'Singh',
]
const COUNTRIES = ['DE', 'FR', 'GB', 'IN', 'JP', 'NG', 'PL', 'US']
const AIRPORTS = ['AMS', 'CDG', 'DXB', 'FRA', 'HND', 'JFK', 'LHR', 'LOS', 'SIN', 'WAW']
const MEALS = ['standard', 'vegan', 'halal', 'kosher']
const STATUSES = ['BOOKED', 'BOOKED', 'BOOKED', 'CHECKED_IN', 'FLOWN', 'CANCELLED']

function* customers(random: () => number): Generator<Record<string, Cell>> {
  for (let id = 1; id <= COUNTS.customers; id++) {
    const name = `${pick(random, GIVEN)} ${pick(random, FAMILY)}`
    yield {
      customer_id: id,
      name,
      email: `customer${id}@example.com`,
      country: random() < 0.05 ? null : pick(random, COUNTRIES),
      born_on: random() < 0.1 ? null : day(Date.UTC(1940, 0, 1) + upTo(random, 24_000) * DAY_MS),
      miles: upTo(random, 3_000_000),
      newsletter: random() < 0.3,
      preferences: random() < 0.4 ? null : JSON.stringify({ meal: pick(random, MEALS), aisle: random() < 0.5 }),
      joined_at: instant(FIRST_DAY - upTo(random, 2_000) * DAY_MS, random),
    }
  }
}

function* flights(random: () => number): Generator<Record<string, Cell>> {
  for (let id = 1; id <= COUNTS.flights; id++) {
    const origin = pick(random, AIRPORTS)
    const departs = FIRST_DAY + upTo(random, 365 * 288) * 300_000
    const distance = 300 + random() * 11_000
    yield {
      flight_id: id,
      flight_uid: uuid(random),
      code: `SL${100 + id}`,
      origin,
      destination: pick(
        random,
        AIRPORTS.filter((airport) => airport !== origin),
      ),
      departs_at: new Date(departs).toISOString().slice(0, 19).replace('T', ' '),
      arrives_at: new Date(departs + distance * 4_500).toISOString().slice(0, 23).replace('T', ' '),
      operates_on: day(departs),
      boarding_time: new Date(departs - 40 * 60_000).toISOString().slice(11, 19),
      distance_km: distance,
      fuel_kg: random() < 0.2 ? null : Math.fround(distance * 3.1),
      seats_sold: upTo(random, 300),
      cancelled: random() < 0.02,
      crew: random() < 0.3 ? null : JSON.stringify({ captain: pick(random, FAMILY), cabin: 3 + upTo(random, 8) }),
    }
  }
}

function* bookings(random: () => number): Generator<Record<string, Cell>> {
  for (let id = 1; id <= COUNTS.bookings; id++) {
    yield {
      booking_id: id,
      customer_id: 1 + upTo(random, COUNTS.customers),
      flight_id: 1 + upTo(random, COUNTS.flights),
      price: ((3_900 + upTo(random, 240_000)) / 100).toFixed(2),
      seat: random() < 0.15 ? null : `${1 + upTo(random, 40)}${pick(random, ['A', 'B', 'C', 'D', 'E', 'F'])}`,
      booked_at: instant(FIRST_DAY + upTo(random, 320) * DAY_MS, random),
      status: pick(random, STATUSES),
    }
  }
}

function upTo(random: () => number, limit: number): number {
  return Math.floor(random() * limit)
}

function pick<T>(random: () => number, values: readonly T[]): T {
  return values[upTo(random, values.length)]!
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** A moment of that day to the microsecond, which is as fine as PostgreSQL keeps it. */
function instant(dayMs: number, random: () => number): string {
  const micros = String(upTo(random, 1_000)).padStart(3, '0')
  return new Date(dayMs + upTo(random, DAY_MS)).toISOString().replace('Z', `${micros}Z`)
}

function uuid(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => upTo(random, 16).toString(16)).join('')
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5')
}

/** NULL is an empty cell without quotes: what COPY reads as NULL. */
function write(dir: string, table: string, rows: Iterable<Record<string, Cell>>): void {
  const lines: string[] = []
  for (const row of rows) {
    if (lines.length === 0) lines.push(Object.keys(row).join(','))
    lines.push(Object.values(row).map(cell).join(','))
  }
  writeFileSync(join(dir, `${table}.csv`), `${lines.join('\n')}\n`)
}

function cell(value: Cell): string {
  if (value === null) return ''
  const text = String(value)
  return typeof value === 'string' && (text === '' || /[",\n]/.test(text)) ? `"${text.replaceAll('"', '""')}"` : text
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(`wrote ${writeAirline()}`)

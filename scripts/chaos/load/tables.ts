/** What the load writes to: each table is there for what it makes hard. */
import pg from 'pg'
import { installJournal, type TableKey } from '../../verify/journal.ts'
import type { PrepareLoad } from '../story.ts'

/** Each transaction puts the next numbers of its writer here: that it took place shows by them. Only inserts, and COPY. */
export const numbered: TableKey = { table: 'numbered', key: ['writer', 'number'] }
/** Money goes from one to the other; the sum of all never changes. */
export const accounts: TableKey = { table: 'accounts', key: ['account'] }

export const loadTables: readonly TableKey[] = [
  numbered,
  accounts,
  // Few keys that come, go, come back and are given away; one of them is changed thousands of times in one transaction.
  { table: 'items', key: ['item'] },
  // REPLICA IDENTITY FULL: each change comes with the old row.
  { table: 'whole_rows', key: ['id'] },
  // Values out of line, which an update that does not touch them does not send. The worker must know the connector's placeholder.
  { table: 'documents', key: ['document'] },
  // Truncated again and again.
  { table: 'emptied', key: ['id'] },
]

/** Numbers of writer 0, who wrote before all others: with a few rows of the other tables what the snapshot finds. */
export const pastNumbers = 20_000
export const accountCount = 24
const balance = 1_000
export const sumOfBalances = accountCount * balance

/** Stands in rows of all tables that hold text, and may stand nowhere but in database, Kafka and lake. */
export const canary = 'canary-5d1c'

export const prepareLoad: PrepareLoad = async (databaseUrl) => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(`
      CREATE TABLE numbered (writer integer, number bigint, doomed boolean NOT NULL DEFAULT false, said text NOT NULL DEFAULT '${canary}',
        PRIMARY KEY (writer, number));
      CREATE TABLE accounts (account integer PRIMARY KEY, balance bigint NOT NULL);
      CREATE TABLE items (item bigint PRIMARY KEY, n bigint NOT NULL, said text);
      CREATE TABLE whole_rows (id bigint PRIMARY KEY, n bigint NOT NULL, said text);
      ALTER TABLE whole_rows REPLICA IDENTITY FULL;
      CREATE TABLE documents (document bigint PRIMARY KEY, n bigint NOT NULL, body text NOT NULL);
      ALTER TABLE documents ALTER COLUMN body SET STORAGE EXTERNAL;
      CREATE TABLE emptied (id bigint PRIMARY KEY, n bigint NOT NULL);
      INSERT INTO numbered (writer, number) SELECT 0, n FROM generate_series(1, ${pastNumbers}) n;
      INSERT INTO accounts SELECT a, ${balance} FROM generate_series(1, ${accountCount}) a;
      INSERT INTO items SELECT n, 0, '${canary}' FROM generate_series(1, 9) n;
      INSERT INTO whole_rows SELECT n, 0, '${canary}' FROM generate_series(1, 9) n;
      INSERT INTO documents SELECT n, 0, repeat('${canary}', 400) FROM generate_series(1, 9) n;
      INSERT INTO emptied SELECT n, 0 FROM generate_series(1, 9) n`)
    await installJournal(client, loadTables)
    return loadTables
  } finally {
    await client.end()
  }
}

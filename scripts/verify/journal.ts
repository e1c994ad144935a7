/**
 * The database's own account of what happened: a trigger copies every committed change of a table into `journal.<table>`,
 * inside the same transaction, so a rolled-back change leaves nothing. It is what the lake is compared with.
 */
import type { Client } from 'pg'

export interface TableKey {
  readonly table: string
  readonly key: readonly string[]
}

/** Installs journals for `tables` of schema public and writes what stands there now as snapshot reads (op r). */
export async function installJournal(client: Client, tables: readonly TableKey[]): Promise<void> {
  await client.query(recorder)
  for (const { table, key } of tables) {
    const name = client.escapeIdentifier(table)
    const keys = key.map((column) => client.escapeLiteral(column)).join(', ')
    await client.query(`
      CREATE TABLE journal.${name} AS TABLE public.${name} WITH NO DATA;
      ALTER TABLE journal.${name} ADD COLUMN journal_op text, ADD COLUMN journal_tx bigint, ADD COLUMN journal_seq bigserial;
      INSERT INTO journal.${name} SELECT *, 'r', NULL, nextval('journal.${table}_journal_seq_seq') FROM public.${name};
      CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON public.${name}
        FOR EACH ROW EXECUTE FUNCTION journal.record(${keys});
      CREATE TRIGGER journal_truncate AFTER TRUNCATE ON public.${name} FOR EACH STATEMENT EXECUTE FUNCTION journal.record();`)
  }
}

/** An update of the primary key is two changes in the log, as it is for Debezium: the old key deleted, the new one made. */
const recorder = `
CREATE SCHEMA journal;
CREATE FUNCTION journal.record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  tx bigint := pg_current_xact_id()::xid::text::bigint;
  moved boolean := false;
  key_column text;
  put text := format('INSERT INTO journal.%I SELECT ($1).*, $2, $3', TG_TABLE_NAME);
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    EXECUTE format('INSERT INTO journal.%I (journal_op, journal_tx) VALUES (''t'', $1)', TG_TABLE_NAME) USING tx;
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    FOREACH key_column IN ARRAY TG_ARGV LOOP
      moved := moved OR (to_jsonb(OLD) -> key_column) IS DISTINCT FROM (to_jsonb(NEW) -> key_column);
    END LOOP;
  END IF;
  IF TG_OP = 'DELETE' OR moved THEN EXECUTE put USING OLD, 'd', tx; END IF;
  IF TG_OP = 'INSERT' OR moved THEN EXECUTE put USING NEW, 'c', tx; END IF;
  IF TG_OP = 'UPDATE' AND NOT moved THEN EXECUTE put USING NEW, 'u', tx; END IF;
  RETURN NULL;
END $$;`

-- Tells Sluice when a column is renamed: PostgreSQL sends no event for DDL, so a rename looks like a column that went and another that
-- came. This trigger puts a logical message into the transaction of the rename; Debezium forwards it to <topic prefix>.message, where
-- npm run columns finds it. Once in each database, as superuser, and harmless to repeat:
--   psql -d mydatabase -f docker/postgres/renames.sql
CREATE SCHEMA IF NOT EXISTS cdc;

-- The names that columns had last, since a trigger only sees what they are called now.
CREATE TABLE IF NOT EXISTS cdc.column_names (
  relation oid,
  number smallint,
  name name NOT NULL,
  PRIMARY KEY (relation, number)
);

CREATE OR REPLACE VIEW cdc.columns_now AS
  SELECT attrelid AS relation, attnum AS number, attname AS name, nspname || '.' || relname AS table
  FROM pg_catalog.pg_attribute
    JOIN pg_catalog.pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p')
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
  WHERE attnum > 0 AND NOT attisdropped AND nspname NOT IN ('cdc', 'information_schema') AND nspname NOT LIKE 'pg\_%';

-- Only for the tables of the command and those that inherit from them: they are locked, so no other command tells of them meanwhile.
CREATE OR REPLACE FUNCTION cdc.tell_renames() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  touched oid[];
BEGIN
  WITH RECURSIVE tables AS (
    SELECT objid FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass
    UNION
    SELECT inhrelid FROM pg_inherits JOIN tables ON inhparent = objid)
  SELECT array_agg(objid) INTO touched FROM tables;
  -- A new table may have the number of one that is gone.
  IF tg_tag = 'ALTER TABLE' THEN
    PERFORM pg_logical_emit_message(true, 'cdc', json_build_object('renamed',
        json_build_object('table', now.table, 'from', known.name, 'to', now.name))::text)
      FROM cdc.column_names known JOIN cdc.columns_now now USING (relation, number)
      WHERE relation = ANY (touched) AND known.name <> now.name;
  END IF;
  DELETE FROM cdc.column_names WHERE relation = ANY (touched);
  INSERT INTO cdc.column_names SELECT relation, number, name FROM cdc.columns_now WHERE relation = ANY (touched)
    ON CONFLICT DO NOTHING;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'Sluice hears of no rename in this command: %', SQLERRM;
END $$;

-- What was renamed while there was no trigger, nobody told.
DELETE FROM cdc.column_names;
INSERT INTO cdc.column_names SELECT relation, number, name FROM cdc.columns_now;

DROP EVENT TRIGGER IF EXISTS cdc_renames;
CREATE EVENT TRIGGER cdc_renames ON ddl_command_end
  WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA')
  EXECUTE FUNCTION cdc.tell_renames();

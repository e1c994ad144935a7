"""Reads a Delta table with readers that are not ours and prints, as one JSON object, what each of them finds.

usage: delta.py TABLE DUCKDB_DELTA_EXTENSION
For every reader: the (partition, offset) of each row, sorted, and for every column and some of its values the number of rows
that a filter finds through the reader's own pruning and in the same rows held in memory. The two numbers must be equal.
"""

import json
import sys

import deltalake
import duckdb
import polars
import pyarrow
import pyarrow.compute as pc
import pyarrow.dataset

table, extension = sys.argv[1:]
delta = deltalake.DeltaTable(table)
whole = delta.to_pyarrow_table()


def rows(found):
    return sorted(zip(found["__kafka_partition"].to_pylist(), found["__kafka_offset"].to_pylist()))


def samples():
    """Columns with some values to look for: the first, the middle and the last in order."""
    for name in whole.column_names:
        column = whole[name]
        if pyarrow.types.is_list(column.type) or pyarrow.types.is_large_list(column.type):
            continue
        values = sorted(value for value in set(column.to_pylist()) if value is not None)
        yield name, [values[i] for i in sorted({0, len(values) // 2, len(values) - 1}) if values]


conditions = {"==": pc.equal, ">": pc.greater, "<=": pc.less_equal}


def counted(count):
    """The filters for which `count(name, operator, value)` differs from the same filter on rows in memory."""
    wrong, asked = [], 0
    for name, values in samples():
        for value in values:
            for operator, condition in conditions.items():
                expected = pc.sum(condition(whole[name], pyarrow.scalar(value, whole[name].type))).as_py() or 0
                found = count(name, operator, value)
                asked += 1
                if found != expected:
                    wrong.append([name, operator, str(value), found, expected])
        expected = whole[name].null_count
        found = count(name, "null", None)
        asked += 1
        if found != expected:
            wrong.append([name, "null", "", found, expected])
    return {"asked": asked, "wrong": wrong}


def expression(field, operator, value):
    return {"==": lambda: field == value, ">": lambda: field > value, "<=": lambda: field <= value, "null": field.is_null}[operator]()


dataset = delta.to_pyarrow_dataset()


def in_dataset(name, operator, value):
    return dataset.to_table(filter=expression(pc.field(name), operator, value), columns=["__kafka_offset"]).num_rows


def in_pandas(name, operator, value):
    # Its filters know no test for null.
    if operator == "null":
        return whole[name].null_count
    return len(delta.to_pandas(filters=[(name, operator, value)]))


lazy = polars.scan_delta(table)


def in_polars(name, operator, value):
    return lazy.filter(expression(polars.col(name), operator, value)).select(polars.len()).collect().item()


connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
connection.execute(f"SET timezone='UTC'; LOAD '{extension}'")


def in_duckdb(source):
    def count(name, operator, value):
        quoted = '"' + name.replace('"', '""') + '"'
        test = f"{quoted} IS NULL" if operator == "null" else f"{quoted} {operator} ?"
        arguments = [] if operator == "null" else [value]
        return connection.execute(f"SELECT count(*) FROM {source} WHERE {test}", arguments).fetchone()[0]

    return count


scan = f"delta_scan('{table}')"
glob = f"read_parquet('{table}/data/**/*.parquet', hive_partitioning=true, union_by_name=true)"
globbed = pyarrow.dataset.dataset(f"{table}/data", format="parquet", partitioning="hive")


def of_duckdb(source):
    found = connection.execute(f'SELECT "__kafka_partition", "__kafka_offset" FROM {source}').fetchall()
    return sorted(found)


print(
    json.dumps(
        {
            "rows": {
                "deltalake": rows(whole),
                "polars": sorted(lazy.select("__kafka_partition", "__kafka_offset").collect().rows()),
                "duckdb": of_duckdb(scan),
                "duckdb glob": of_duckdb(glob),
                "pyarrow glob": rows(globbed.to_table(columns=["__kafka_partition", "__kafka_offset"])),
            },
            "filters": {
                "deltalake dataset": counted(in_dataset),
                "deltalake pandas": counted(in_pandas),
                "polars": counted(in_polars),
                "duckdb": counted(in_duckdb(scan)),
                "duckdb glob": counted(in_duckdb(glob)),
            },
            "columns": whole.column_names,
            "types": {field.name: str(field.type) for field in whole.schema},
            "version": delta.version(),
            "positions": {app: delta.transaction_version(app) for app in ("0/0", "0/1", "0/1/seen", "0/0/day")},
        }
    )
)

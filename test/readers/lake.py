"""Reads tables of a lake on S3 with readers that are not ours and prints, as one JSON object, where they differ.

usage: lake.py < {"s3": {...}, "extensions": [httpfs, delta], "tables": {name: {"root": "s3://...", "probes": 3}}}
For every table: the rows that each reader finds, its types, the values that differ from delta-rs', and for every column and
some of its values the number of rows that a filter finds through the reader's own pruning and in the same rows held in memory.
"""

import decimal
import json
import pathlib
import sys
import tempfile

import deltalake
import duckdb
import polars
import pyarrow
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.fs
from values import literal, operators, probes, values

sys.path.append(str(pathlib.Path(__file__).parents[2] / "scripts/verify"))
from store import duckdb_connection, filesystem, storage_options


decimal.getcontext().prec = 38
given = json.load(sys.stdin)
s3 = given["s3"]
connection = duckdb_connection(s3, given["extensions"])
partitioning = pyarrow.dataset.partitioning(pyarrow.schema([("cdc_date", pyarrow.date32())]), flavor="hive")


def globbed(path, schema, where):
    return pyarrow.dataset.dataset(
        f"{path}/data", format="parquet", filesystem=where, partitioning=partitioning, schema=schema
    )


def scans(root):
    files = f"read_parquet('{root}/data/**/*.parquet', hive_partitioning=true, union_by_name=true)"
    return {"duckdb": f"delta_scan('{root}')", "duckdb glob": files}


def in_order(table):
    return table.sort_by([("__kafka_partition", "ascending"), ("__kafka_offset", "ascending")])


def type_of(kind):
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        return f"list<{type_of(kind.value_type)}>"
    return str(kind).removeprefix("large_")


def everything(root):
    """All rows of a table, reader by reader."""
    delta = deltalake.DeltaTable(root, storage_options=storage_options(s3)).to_pyarrow_table()
    lazy = polars.scan_delta(root, storage_options=storage_options(s3))
    return {
        "deltalake": delta,
        "pyarrow glob": globbed(root.removeprefix("s3://"), delta.schema, filesystem(s3)).to_table(),
        "polars": lazy.collect().to_arrow(compat_level=polars.CompatLevel.oldest()),
        **{name: connection.execute(f"SELECT * FROM {scan}").to_arrow_table() for name, scan in scans(root).items()},
    }


def differing(found, expected):
    """Columns with a value other than `expected` has, and the first row where."""
    theirs = dict(zip(found.column_names, values(in_order(found))))
    wrong = []
    for name, column in expected.items():
        if theirs[name] != column:
            row = next((i for i, (a, b) in enumerate(zip(theirs[name], column)) if a != b), "a row too few or many")
            wrong.append([name, row])
    return wrong


def filters(table, count, memory, columns):
    asked, wrong = 0, []
    for name, value in probes(table, columns):
        for operator in ("==", "<=", ">"):
            asked += 1
            found, expected = count(name, operator, value), memory(name, operator, value)
            if found != expected:
                wrong.append([name, operator, str(value), found, expected])
    for name in table.column_names:
        asked += 1
        found = count(name, "null", None)
        if found != table[name].null_count:
            wrong.append([name, "null", "", found, table[name].null_count])
    return {"asked": asked, "wrong": wrong}


def filtered(root, schema, columns):
    """Filters prune alike wherever the files lie: on a copy, for they are many."""
    with tempfile.TemporaryDirectory() as folder:
        pyarrow.fs.copy_files(root.removeprefix("s3://"), folder, source_filesystem=filesystem(s3))
        delta = deltalake.DeltaTable(folder)
        table = delta.to_pyarrow_table()

        def arrow(dataset):
            def count(name, operator, value):
                field = pc.field(name)
                test = field.is_null() if operator == "null" else operators[operator](field, value)
                return dataset.count_rows(filter=test)

            return count

        def memory(name, operator, value):
            return pc.sum(operators[operator](table.column(name), value)).as_py() or 0

        report = {
            "deltalake": filters(table, arrow(delta.to_pyarrow_dataset()), memory, columns),
            "pyarrow glob": filters(table, arrow(globbed(folder, schema, None)), memory, columns),
        }
        for name, scan in scans(folder).items():
            connection.execute(f"CREATE OR REPLACE TABLE held AS SELECT * FROM {scan}")
            kinds = {row[0]: row[1] for row in connection.execute("DESCRIBE held").fetchall()}

            def duck(source):
                def count(name, operator, value):
                    quoted = '"' + name.replace('"', '""') + '"'
                    right = f"{operator} {literal(value, kinds[name])}" if operator != "null" else "IS NULL"
                    return connection.execute(f"SELECT count(*) FROM {source} WHERE {quoted} {right}").fetchone()[0]

                return count

            report[name] = filters(table, duck(scan), duck("held"), columns)
        return report


report = {}
for name, asked in given["tables"].items():
    found = everything(asked["root"])
    delta = found["deltalake"]
    expected = dict(zip(delta.column_names, values(in_order(delta))))
    report[name] = {
        "rows": {reader: table.num_rows for reader, table in found.items()},
        "types": {reader: [[f.name, type_of(f.type)] for f in table.schema] for reader, table in found.items()},
        "differing": {reader: differing(table, expected) for reader, table in found.items()},
        "filters": filtered(asked["root"], delta.schema, asked["probes"]),
    }
json.dump(report, sys.stdout)

"""Reads Parquet files with four readers and prints, as one JSON object, what each of them makes of them.

usage: parquet.py FILE... [--unfiltered FILE...]
For every file and reader: the columns with the reader's own types, every value in a plain form, and for every column and
some of its values the number of rows that a filter finds, in the file (where statistics let the reader skip row groups) and
in the same rows held in memory. The two numbers must be equal.
"""

import argparse
import decimal
import json
import sys

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet as pq
from values import literal, operators, probes, values, whole

decimal.getcontext().prec = 38


def filters(path, table, found, held):
    """`found` and `held` count rows by (column, operator, value): in the file, and in memory."""
    wrong = []
    if path in unfiltered:
        return wrong
    for name, value in probes(table):
        for operator in ("==", "<", "<=", ">", ">="):
            from_file, from_memory = found(name, operator, value), held(name, operator, value)
            if from_file != from_memory or (operator == "==" and from_file == 0):
                wrong.append([name, operator, str(value), from_file, from_memory])
    return wrong


def count_arrow(table, name, operator, value):
    return pc.sum(operators[operator](table.column(name), value)).as_py() or 0


def read_pyarrow(path):
    table = pq.read_table(path)

    def found(name, operator, value):
        expression = operators[operator](pc.field(name), value)
        return pq.read_table(path, columns=[name], filters=expression).num_rows

    return {
        "types": {field.name: str(field.type) for field in table.schema},
        "values": values(table),
        "filters": filters(path, table, found, lambda *probe: count_arrow(table, *probe)),
    }


def read_pandas(path):
    arrow = pq.read_table(path)
    frame = pandas.read_parquet(path, dtype_backend="pyarrow")
    table = pyarrow.Table.from_pandas(frame, schema=arrow.schema, preserve_index=False)

    def found(name, operator, value):
        expression = operators[operator](pc.field(name), value)
        return len(pandas.read_parquet(path, columns=[name], dtype_backend="pyarrow", filters=expression))

    return {
        "types": {name: str(kind) for name, kind in frame.dtypes.items()},
        "values": values(table),
        "filters": filters(path, arrow, found, lambda *probe: count_arrow(arrow, *probe)),
    }


def read_duckdb(path):
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("create table held as select * from read_parquet(?)", [path])
    described = connection.execute("describe select * from read_parquet(?)", [path]).fetchall()
    table = connection.execute("select * from read_parquet(?)", [path]).to_arrow_table()
    # Values go in as literals of the column's type: parameters would pass through Python's datetime.
    types = {row[0]: row[1] for row in described}
    plain_form = {name: column for name, column in zip(table.schema.names, values(table))}

    def count(source, name, operator, value):
        sql = {"==": "="}.get(operator, operator)
        quoted = '"' + name.replace('"', '""') + '"'
        query = f"select count(*) from {source} where {quoted} {sql} {literal(value, types[name])}"
        return connection.execute(query).fetchone()[0]

    file = "read_parquet('" + path.replace("'", "''") + "')"
    return {
        "types": types,
        "values": [plain_form[name] for name in table.schema.names],
        "filters": filters(
            path, table, lambda *probe: count(file, *probe), lambda *probe: count("held", *probe)
        ),
    }


def read_polars(path):
    frame = polars.read_parquet(path)
    arrow = frame.to_arrow(compat_level=polars.CompatLevel.oldest())

    def expression(name, operator, value):
        column = polars.col(name)
        kind = frame.schema[name]
        if kind == polars.Date or isinstance(kind, polars.Datetime):
            other = polars.lit(value.cast(whole(value.type)).as_py()).cast(kind)
        elif isinstance(kind, polars.Decimal):
            other = polars.lit(value.as_py(), dtype=kind)
        else:
            other = polars.lit(value.as_py())
        return {
            "==": column == other,
            "<": column < other,
            "<=": column <= other,
            ">": column > other,
            ">=": column >= other,
        }[operator]

    def found(*probe):
        return polars.scan_parquet(path).filter(expression(*probe)).select(probe[0]).collect().height

    return {
        "types": {name: str(kind) for name, kind in frame.schema.items()},
        "values": values(arrow),
        "filters": filters(
            path, arrow_probes(arrow), found, lambda *probe: frame.select(probe[0]).filter(expression(*probe)).height
        ),
    }


def arrow_probes(table):
    """Polars hands out large strings and lists; probes go by the small ones."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pyarrow.types.is_large_string(kind):
            kind = pyarrow.string()
        elif pyarrow.types.is_large_binary(kind):
            kind = pyarrow.binary()
        elif pyarrow.types.is_large_list(kind):
            kind = pyarrow.list_(kind.value_type)
        fields.append(pyarrow.field(field.name, kind))
    return table.cast(pyarrow.schema(fields))


readers = {"pyarrow": read_pyarrow, "pandas": read_pandas, "duckdb": read_duckdb, "polars": read_polars}


def statistics(path):
    """What pyarrow shows of the row groups: for each column, whether it has bounds, and its nulls."""
    metadata = pq.ParquetFile(path).metadata
    groups = []
    for g in range(metadata.num_row_groups):
        chunks = [metadata.row_group(g).column(c).statistics for c in range(metadata.num_columns)]
        groups.append([{"bounds": chunk.has_min_max, "nulls": chunk.null_count} for chunk in chunks])
    return groups


arguments = argparse.ArgumentParser()
arguments.add_argument("files", nargs="*")
arguments.add_argument("--unfiltered", nargs="*", default=[])
given = arguments.parse_args()
unfiltered = set(given.unfiltered)
report = {}
for path in given.files + given.unfiltered:
    report[path] = {name: read(path) for name, read in readers.items()}
    report[path]["statistics"] = statistics(path)
json.dump(report, sys.stdout)

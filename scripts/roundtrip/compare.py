"""Reads a table of a lake with DuckDB, pyarrow and deltalake and prints, as one JSON object, where each differs from PostgreSQL.

usage: compare.py < {"s3": {...}, "extensions": [httpfs, delta], "root": "s3://...", "expected": FILE, "columns": [[name, how]]}
FILE has one JSON array a line: id, number of the change of that id, operation, specials by column, then a text for each column.
Answer: {reader: {"rows": n, "missing": n, "surplus": n, "differences": {column: {"count": n, "examples": [[id, nth, want, got]]}}}}
"""

import base64
import decimal
import json
import pathlib
import re
import struct
import sys

import deltalake
import pyarrow
import pyarrow.dataset

sys.path.append(str(pathlib.Path(__file__).parents[1] / "verify"))
from store import duckdb_connection, filesystem, storage_options
from whole import whole

decimal.getcontext().prec = 60
given = json.load(sys.stdin)
columns = given["columns"]
order = ["__epoch", "__commit_lsn", "__lsn", "__tx_order", "__kafka_offset"]


def with_duckdb():
    connection = duckdb_connection(given["s3"], given["extensions"])
    return connection.execute(f"SELECT * FROM delta_scan('{given['root']}')").to_arrow_table()


def with_pyarrow():
    """Without the log: the bare files."""
    folder = given["root"].removeprefix("s3://") + "/data"
    where = filesystem(given["s3"])
    return pyarrow.dataset.dataset(folder, format="parquet", partitioning="hive", filesystem=where).to_table()


def with_deltalake():
    return deltalake.DeltaTable(given["root"], storage_options=storage_options(given["s3"])).to_pyarrow_table()


def bits(number):
    return "nan" if number != number else struct.pack(">d", number).hex()


def text(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return bits(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return [text(element) for element in value]
    return str(value)


def wkb(encoded):
    """The numbers of a point, line string or polygon, all little-endian."""
    data = base64.b64decode(encoded)
    kind = struct.unpack_from("<I", data, 1)[0]
    start = {1: 5, 2: 9, 3: 13}[kind]
    return [value for (value,) in struct.iter_unpack("<d", data[start:])]


def shape_in_lake(value):
    shape = json.loads(value)
    if "center" in shape:
        numbers = [shape["center"]["x"], shape["center"]["y"], shape["radius"]]
    elif "x" in shape:
        numbers = [shape["x"], shape["y"]]
        if [bits(float(n)) for n in numbers] != [bits(n) for n in wkb(shape["wkb"])]:
            return "the point differs from its wkb"
    elif "a" in shape:
        numbers = [shape["a"], shape["b"], shape["c"]]
    else:
        numbers = wkb(shape["wkb"])
        kind = shape["extensions"]["type"]
        if kind == "box":
            numbers = [max(numbers[0::2]), max(numbers[1::2]), min(numbers[0::2]), min(numbers[1::2])]
        if kind == "polygon":
            numbers = numbers[:-2]
        if kind == "path":
            return [shape["extensions"].get("closed") == "true", *(bits(n) for n in numbers)]
    return [bits(float(n)) for n in numbers]


def shape_in_postgres(value):
    return [bits(float(n)) for n in re.findall(r"[-+.\w]+", value)]


def forms(name, how):
    """How the lake's and PostgreSQL's texts become one form."""
    if how == "list":
        return (lambda v: v), json.loads
    if how == "object":
        return json.loads, json.loads
    if how == "shape" and name == "path":
        return shape_in_lake, lambda v: [v[0] == "(", *shape_in_postgres(v)]
    if how == "shape":
        return shape_in_lake, shape_in_postgres
    return (lambda v: v), (lambda v: v)


def expected_rows():
    with open(given["expected"], encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield (row[0], row[1]), row[2:]


def found_rows(table):
    """Where each change stands among those of its id, and the columns as texts."""
    ids = table["id"].to_pylist()
    places = {}
    for index in sorted(range(table.num_rows), key=keys_of(table, ids)):
        places.setdefault(ids[index], []).append(index)
    found = {(id, n + 1): index for id, indices in places.items() for n, index in enumerate(indices)}
    return found, {name: [text(v) for v in table[name].cast(whole(table[name].type)).to_pylist()] for name in wanted}


def keys_of(table, ids):
    values = [table[name].to_pylist() for name in order]
    return lambda i: (ids[i], *(-1 if column[i] is None else column[i] for column in values))


wanted = [name for name, _ in columns] + ["__op", "__special"]
expected = dict(expected_rows())
both = [forms(name, how) for name, how in columns]
answer = {}
for reader, read in [("duckdb", with_duckdb), ("pyarrow", with_pyarrow), ("deltalake", with_deltalake)]:
    found, values = found_rows(read())
    differences = {}

    def differ(name, place, want, got):
        of = differences.setdefault(name, {"count": 0, "examples": []})
        of["count"] += 1
        if len(of["examples"]) < 3:
            of["examples"].append([*place, want, got])

    for place, (op, specials, *texts) in expected.items():
        index = found.get(place)
        if index is None:
            continue
        if values["__op"][index] != op:
            differ("__op", place, op, values["__op"][index])
        got = json.loads(values["__special"][index] or "{}")
        for name in {*got, *specials}:
            want = specials.get(name)
            if want is not None and want.startswith("[") and got.get(name) is not None:
                if json.loads(want) == json.loads(got[name]):
                    continue
            if got.get(name) != want:
                differ(f"__special {name}", place, want, got.get(name))
        for (name, _), (lake, postgres), want in zip(columns, both, texts):
            got = values[name][index]
            if (got if got is None else lake(got)) != (want if want is None else postgres(want)):
                differ(name, place, want, got)
    answer[reader] = {
        "rows": len(found),
        "missing": len(expected.keys() - found.keys()),
        "surplus": len(found.keys() - expected.keys()),
        "differences": differences,
    }
json.dump(answer, sys.stdout)

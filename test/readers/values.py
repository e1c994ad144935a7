"""Values, and values to filter by, in forms that readers can be compared in."""

import pathlib
import struct
import sys

import pyarrow
import pyarrow.compute as pc

sys.path.append(str(pathlib.Path(__file__).parents[2] / "scripts/verify"))
from whole import whole

operators = {"==": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def plain(value, kind):
    """A value as JSON that has one form only: whole numbers as text (times in us, decimals unscaled), doubles as their bits."""
    if value is None:
        return None
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        return [plain(element, kind.value_type) for element in value]
    if pyarrow.types.is_boolean(kind):
        return value
    if pyarrow.types.is_floating(kind):
        return "nan" if value != value else struct.pack(">d", value).hex()
    if pyarrow.types.is_decimal(kind):
        return str(int(value.scaleb(kind.scale)))
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str) else str(value)


def values(table):
    columns = []
    for field in table.schema:
        column = table.column(field.name)
        if pyarrow.types.is_timestamp(field.type) and field.type.unit != "us":
            raise ValueError(f"{field.name} is not in microseconds: {field.type}")
        column = column.cast(whole(field.type))
        columns.append([plain(value, column.type) for value in column.to_pylist()])
    return columns


def probes(table, count=6):
    """Values of each column to filter by: the least, the greatest, and some between. Lists have no filters."""
    for field in table.schema:
        if pyarrow.types.is_list(field.type):
            continue
        column = table.column(field.name).drop_null().unique()
        if pyarrow.types.is_floating(field.type):
            column = column.filter(pc.invert(pc.is_nan(column)))
        if len(column) == 0:
            continue
        order = pc.sort_indices(column)
        places = sorted({round(i * (len(order) - 1) / (count - 1)) for i in range(count)})
        for place in places:
            yield field.name, column[order[place].as_py()]


def literal(value, kind):
    """A value as DuckDB writes it in SQL: parameters would pass through Python's datetime."""
    text = plain(value.cast(whole(value.type)).as_py(), whole(value.type))
    if kind.startswith("DECIMAL"):
        return f"'{value.as_py()}'::{kind}"
    if kind == "DATE":
        return f"date '1970-01-01' + {text}::integer"
    if kind.startswith("TIMESTAMP"):
        return f"make_timestamp({text}::bigint)" + ("::timestamptz" if "ZONE" in kind else "")
    if kind == "DOUBLE":
        return f"'{value.as_py()!r}'::double"
    if kind == "BLOB":
        return f"unhex('{text}')"
    if kind == "VARCHAR":
        return "decode(unhex('" + text.encode().hex() + "'))"
    return f"'{text}'::{kind}"

"""Prints the user's rows of one table of a lake on S3 as delta-rs and pyarrow read them: {"deltalake": [...], "pyarrow glob": [...]}.

usage: rows.py < {"s3": {...}, "root": "s3://bucket/table", "columns": ["id", ...]}
Each row is a list of values in the order of the columns; rows are sorted by the first one.
"""

import json
import pathlib
import sys

import deltalake
import pyarrow.dataset

sys.path.append(str(pathlib.Path(__file__).parents[2] / "scripts/verify"))
from store import filesystem, storage_options

given = json.load(sys.stdin)
s3, root, columns = given["s3"], given["root"], given["columns"]


def rows(table):
    found = zip(*(table.column(table.column_names.index(name)).to_pylist() for name in columns))
    return sorted((list(row) for row in found), key=lambda row: row[0])


delta = deltalake.DeltaTable(root, storage_options=storage_options(s3))
files = pyarrow.dataset.dataset(root.removeprefix("s3://") + "/data", format="parquet", filesystem=filesystem(s3))
print(json.dumps({"deltalake": rows(delta.to_pyarrow_table()), "pyarrow glob": rows(files.to_table())}))

"""What the Parquet files of a table weigh, and what pyarrow makes of the same rows with its defaults: one line of JSON.

usage: rewrite.py < {"s3": {...}, "folder": "bucket/..."}
"""

import io
import json
import pathlib
import sys

import pyarrow.fs
import pyarrow.parquet

sys.path.append(str(pathlib.Path(__file__).parents[1] / "scripts" / "verify"))
from store import filesystem

given = json.load(sys.stdin)
where = filesystem(given["s3"])
found = where.get_file_info(pyarrow.fs.FileSelector(given["folder"], recursive=True))
rows = groups = ours = theirs = 0
for file in (each for each in found if each.path.endswith(".parquet")):
    with where.open_input_file(file.path) as source:
        parquet = pyarrow.parquet.ParquetFile(io.BytesIO(source.read()))
    table = parquet.read()
    again = io.BytesIO()
    # Without the file's own key-value metadata, which would weigh the same in both.
    pyarrow.parquet.write_table(table.replace_schema_metadata(None), again)
    rows += table.num_rows
    groups += parquet.metadata.num_row_groups
    ours += file.size
    theirs += again.getbuffer().nbytes
print(json.dumps({"rows": rows, "groups": groups, "ours": ours, "theirs": theirs}))

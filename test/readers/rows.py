"""Prints the user's rows of one table of a lake on S3 as delta-rs and pyarrow read them: {"deltalake": [...], "pyarrow glob": [...]}.

usage: rows.py < {"s3": {...}, "root": "s3://bucket/table", "columns": ["id", ...]}
Each row is a list of values in the order of the columns; rows are sorted by the first one.
"""

import json
import sys
import urllib.parse

import deltalake
import pyarrow.dataset
import pyarrow.fs

given = json.load(sys.stdin)
s3, root, columns = given["s3"], given["root"], given["columns"]
endpoint = urllib.parse.urlparse(s3["endpoint"])
options = {
    "AWS_ENDPOINT_URL": s3["endpoint"],
    "AWS_REGION": s3["region"],
    "AWS_ACCESS_KEY_ID": s3["accessKeyId"],
    "AWS_SECRET_ACCESS_KEY": s3["secretAccessKey"],
    "AWS_ALLOW_HTTP": "true",
}
filesystem = pyarrow.fs.S3FileSystem(
    access_key=s3["accessKeyId"],
    secret_key=s3["secretAccessKey"],
    region=s3["region"],
    endpoint_override=endpoint.netloc,
    scheme=endpoint.scheme,
)


def rows(table):
    found = zip(*(table.column(table.column_names.index(name)).to_pylist() for name in columns))
    return sorted((list(row) for row in found), key=lambda row: row[0])


delta = deltalake.DeltaTable(root, storage_options=options)
files = pyarrow.dataset.dataset(root.removeprefix("s3://") + "/data", format="parquet", filesystem=filesystem)
print(json.dumps({"deltalake": rows(delta.to_pyarrow_table()), "pyarrow glob": rows(files.to_table())}))

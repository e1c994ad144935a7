"""How readers that are not ours reach a lake on S3; `s3` is the part of that name of a stack's facts."""

import urllib.parse

import duckdb
import pyarrow.fs


def storage_options(s3):
    """For delta-rs and Polars."""
    return {
        "AWS_ENDPOINT_URL": s3["endpoint"],
        "AWS_REGION": s3["region"],
        "AWS_ACCESS_KEY_ID": s3["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": s3["secretAccessKey"],
        "AWS_ALLOW_HTTP": "true",
    }


def filesystem(s3):
    """For pyarrow."""
    endpoint = urllib.parse.urlparse(s3["endpoint"])
    return pyarrow.fs.S3FileSystem(
        access_key=s3["accessKeyId"],
        secret_key=s3["secretAccessKey"],
        region=s3["region"],
        endpoint_override=endpoint.netloc,
        scheme=endpoint.scheme,
    )


def duckdb_connection(s3, extensions):
    """In UTC, with the extensions (files) loaded."""
    endpoint = urllib.parse.urlparse(s3["endpoint"])
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true", "threads": "2"})
    for extension in extensions:
        connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        f"CREATE SECRET lake (TYPE s3, KEY_ID '{s3['accessKeyId']}', SECRET '{s3['secretAccessKey']}', REGION '{s3['region']}',"
        f" ENDPOINT '{endpoint.netloc}', URL_STYLE 'path', USE_SSL {endpoint.scheme == 'https'})"
    )
    return connection

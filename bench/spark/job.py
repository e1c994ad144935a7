"""The job that Sluice takes the place of: the changes of one topic, parsed by a schema declared beforehand, appended as Parquet.

The first line of standard input is the plan, as JSON. Then {"ready": true} is printed, "go" awaited, the query started, and
{"running": true} printed once its first batch is over. A job that follows the topic goes on until "stop", and ends with all that stands there
then; the other ends with what stood there at its start. What it did is the last line. Only what the job needs is set: the rest is Spark's default.
"""
import json
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json


def tell(**what):
    print(json.dumps(what), flush=True)


def await_order(order):
    if sys.stdin.readline().strip() != order:
        sys.exit(f"expected the order {order}")


plan = json.loads(sys.stdin.readline())
s3a = {f"spark.hadoop.fs.s3a.{name}": value for name, value in plan["s3a"].items()}
spark = SparkSession.builder.appName("bookings").config(map={**s3a, "spark.ui.enabled": "false"}).getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
tell(ready=True)

await_order("go")
records = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", plan["brokers"])
    .option("subscribe", plan["topic"])
    .option("startingOffsets", "latest" if plan["follow"] else "earliest")
    .load()
)
message = f"struct<after: struct<{plan['columns']}>, op: string, source: struct<ts_us: bigint>>"
changes = records.select(from_json(col("value").cast("string"), message).alias("change"))
rows = changes.select("change.after.*", "change.op", "change.source.ts_us")
writer = rows.writeStream.format("parquet").outputMode("append")
writer = writer.option("path", plan["path"]).option("checkpointLocation", plan["checkpoint"])
if plan["follow"]:
    query = writer.start()
    while not query.recentProgress and query.exception() is None:
        time.sleep(0.1)
    tell(running=True)
    await_order("stop")
    query.processAllAvailable()
    query.stop()
else:
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
batches = [batch["numInputRows"] for batch in query.recentProgress if batch["numInputRows"] > 0]
tell(batches=len(batches), records=sum(batches))

# What it cost can be looked at until standard input ends.
sys.stdin.read()
spark.stop()

"""Writes Iceberg tables with pyiceberg into the directory given (a SQLite catalog and a warehouse), and what to expect of them into expect.json there."""

import datetime as dt
import decimal
import json
import pathlib
import sys
import uuid

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

out = pathlib.Path(sys.argv[1])
catalog = SqlCatalog("leat", uri=f"sqlite:///{out}/catalog.db", warehouse=f"file://{out}/warehouse")
catalog.create_namespace("db")
UTC = dt.timezone.utc
expect = {}


def note(name, table):
    expect[name] = {"metadata": table.metadata_location, "snapshots": [s.snapshot_id for s in table.snapshots()], "at": [s.timestamp_ms for s in table.snapshots()]}


# Every type that pyiceberg writes, with and without a value.
values = {
    "id": (pa.int64(), [1, 2]),
    "b": (pa.bool_(), [True, None]),
    "i": (pa.int32(), [-7, None]),
    "f": (pa.float32(), [0.5, None]),
    "d": (pa.float64(), [0.1, None]),
    "n": (pa.decimal128(20, 4), [decimal.Decimal("1234567890123456.7891"), None]),
    "day": (pa.date32(), [dt.date(1969, 12, 31), None]),
    "clock": (pa.time64("us"), [dt.time(23, 59, 59, 500000), None]),
    "at": (pa.timestamp("us"), [dt.datetime(2026, 2, 3, 4, 5, 6, 789000), None]),
    "tz": (pa.timestamp("us", "UTC"), [dt.datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), None]),
    "s": (pa.string(), ["ü…", None]),
    "raw": (pa.binary(), [b"\x00\xff", None]),
    "fixed": (pa.binary(4), [b"abcd", None]),
    "tags": (pa.list_(pa.string()), [["x", None], None]),
    "kv": (pa.map_(pa.string(), pa.int64()), [[("k", 5)], None]),
    "meta": (pa.struct([("lang", pa.string()), ("n", pa.int64())]), [{"lang": "nl", "n": 3}, None]),
}
rows = pa.table({k: pa.array(v, t) for k, (t, v) in values.items()})
t = catalog.create_table("db.types", rows.schema)
t.append(rows)
note("types", t)

# Partitions by a value and by a day.
schema = Schema(NestedField(1, "id", LongType(), required=False), NestedField(2, "lang", StringType(), required=False), NestedField(3, "at", TimestampType(), required=False))
spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "lang"), PartitionField(3, 1001, DayTransform(), "day"))
t = catalog.create_table("db.parted", schema, partition_spec=spec)
n = 3000
t.append(pa.table({"id": pa.array(range(n), pa.int64()), "lang": [["de", "nl", None][i % 3] for i in range(n)], "at": pa.array([dt.datetime(2026, 1, 1 + i % 2) for i in range(n)], pa.timestamp("us"))}))
note("parted", t)

# A schema that changed: a column renamed, one widened, one dropped, one added.
t = catalog.create_table("db.evolved", pa.schema([("id", pa.int32()), ("name", pa.string()), ("gone", pa.int64())]))
t.append(pa.table({"id": pa.array([1, 2], pa.int32()), "name": ["a", "b"], "gone": pa.array([9, 9], pa.int64())}))
with t.update_schema(allow_incompatible_changes=True) as u:
    u.rename_column("name", "title")
    u.update_column("id", LongType())
    u.delete_column("gone")
    u.add_column("lang", StringType())
t.append(pa.table({"id": pa.array([1 << 40], pa.int64()), "title": ["c"], "lang": ["nl"]}))
note("evolved", t)

# Snapshots: four appends, a tag, then rows deleted (pyiceberg writes files anew for that).
log = lambda first, n: pa.table({"id": pa.array(range(first, first + n), pa.int64()), "text": [f"text {i}" for i in range(first, first + n)]})
t = catalog.create_table("db.log", log(0, 1).schema)
for i in range(4):
    t.append(log(1000 * i, 1000))
    note(f"log{i}", t)
    if i == 1:
        t.manage_snapshots().create_tag(t.current_snapshot().snapshot_id, "two").create_branch(t.current_snapshot().snapshot_id, "side").commit()
t.delete("id >= 500 and id < 1500")
note("deleted", t)

catalog.create_table("db.empty", schema)
(out / "expect.json").write_text(json.dumps(expect))

"""Writes a table into a directory as Parquet and Arrow files, in the ways that people have them, with its rows as JSON.

Usage: files.py write DIR | files.py read FILE (a Parquet file, which goes to standard output as an Arrow stream)
"""

import datetime
import decimal
import json
import sys

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

N = 1000
UTC = datetime.timezone.utc
FIELDS = [pa.field("d", pa.decimal128(9, 2), nullable=False), pa.field("h", pa.float16(), nullable=False)]


def table():
    every = range(N)
    below = [pa.array([decimal.Decimal(i) for i in every], FIELDS[0].type), pa.array([float(i) for i in every], FIELDS[1].type)]
    return pa.table(
        {
            "struct": pa.StructArray.from_arrays(below, fields=FIELDS, mask=pa.array([i % 3 == 0 for i in every])),
            "category": pa.array(["a", "b", None, "c"] * (N // 4)).dictionary_encode(),
            "list": pa.array([[str(i)] * (i % 4) if i % 5 else None for i in every]),
            "map": pa.array([[("k", i)] for i in every], pa.map_(pa.string(), pa.int64())),
            "instant": pa.array([datetime.datetime(2020, 1, 1, tzinfo=UTC) + datetime.timedelta(seconds=i) for i in every], pa.timestamp("us", "UTC")),
            "vector": pa.array([[i, i + 1.0] if i % 7 else None for i in every], pa.list_(pa.float32(), 2)),
            "view": pa.array([f"text {i} of a length" for i in every], pa.string_view()),
            "duration": pa.array([i if i % 2 else None for i in every], pa.duration("ms")),
            "bytes": pa.array([b"x" * i for i in every], pa.large_binary()),
            "bool": pa.array([i % 2 == 0 for i in every]),
            "date": pa.array(list(every), pa.date32()),
            "categories": pa.array([["a", "b"], [], None, ["c"]] * (N // 4), pa.list_(pa.dictionary(pa.int32(), pa.string()))),
        }
    )


def plain(v):
    if isinstance(v, decimal.Decimal):
        return float(v)
    if isinstance(v, bytes):
        return v.decode()
    if isinstance(v, datetime.datetime):
        return v.timestamp()
    if isinstance(v, datetime.date):
        return plain(datetime.datetime(v.year, v.month, v.day, tzinfo=UTC))
    if isinstance(v, datetime.timedelta):
        return v.total_seconds()
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, tuple):
        return {"key": v[0], "value": v[1]}
    if isinstance(v, list):
        return [plain(x) for x in v]
    return v


def write(directory):
    t = table()
    for codec in ["snappy", "zstd", "gzip", "brotli", "lz4", "none"]:
        version = "2.0" if codec == "zstd" else "1.0"
        pq.write_table(t, f"{directory}/{codec}.parquet", compression=codec, row_group_size=300, data_page_version=version)
    for codec in ["lz4", "zstd", "uncompressed"]:
        feather.write_feather(t, f"{directory}/{codec}.arrow", compression=codec, chunksize=333)
    with open(f"{directory}/rows.json", "w") as f:
        json.dump([{k: plain(v) for k, v in row.items()} for row in t.to_pylist()], f)


def read(file):
    t = pq.read_table(file)
    t.validate(full=True)
    with pa.ipc.new_stream(sys.stdout.buffer, t.schema) as writer:
        writer.write_table(t)


{"write": write, "read": read}[sys.argv[1]](sys.argv[2])

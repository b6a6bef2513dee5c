"""Appends rows, numbered FROM up to TO, as a snapshot to a table of Iceberg in DIR, which it makes where there is none: table.py DIR FROM TO"""

import pathlib
import sys

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

out, first, last = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
catalog = SqlCatalog("leat", uri=f"sqlite:///{out}/catalog.db", warehouse=f"file://{out}/warehouse")
catalog.create_namespace_if_not_exists("db")
numbers = range(first, last)
rows = pa.table({
    "id": pa.array(numbers, pa.int64()),
    "lang": [["de", "nl", None][i % 3] for i in numbers],
    "text": [f"text {i} — ü" for i in numbers],
})
catalog.create_table_if_not_exists("db.texts", rows.schema).append(rows)

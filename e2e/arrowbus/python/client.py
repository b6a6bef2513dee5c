"""A user's program on pyarrow and nats-py: it reads batches off the bus, writes the same rows back, and then batches of its own making.

Usage: client.py URL FROM TO COUNT
"""

import asyncio
import decimal
import sys

import nats
import pyarrow as pa
from nats.js.api import DeliverPolicy


def encode(batch, compression=None):
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def own():
    """Batches as libraries write them: sliced, with views, compressed, dictionaries in their own order."""
    batch = pa.record_batch(
        {
            "id": pa.array(range(10), pa.int64()),
            "text": pa.array([None if i % 3 == 0 else f"text {i} and more than twelve bytes" for i in range(10)]),
            "kind": pa.array(["b", "a", None, "b", "c"] * 2).dictionary_encode(),
            "price": pa.array([decimal.Decimal(i) / 4 for i in range(10)], pa.decimal128(6, 2)),
            "nested": pa.array([{"a": [1, None] * (i % 3), "b": None} for i in range(10)], pa.struct([("a", pa.list_(pa.int16())), ("b", pa.null())])),
        }
    ).slice(4, 4)
    views = batch.set_column(1, "text", batch.column("text").cast(pa.string_view()))
    return [encode(batch), encode(batch, "lz4"), encode(batch, "zstd"), encode(views)]


async def main(url, source, to, count):
    nc = await nats.connect(url)
    js = nc.jetstream(timeout=20)
    sub = await js.subscribe(source, stream="DATA", ordered_consumer=True, deliver_policy=DeliverPolicy.ALL)

    async def publish(number, rows, data):
        await js.publish(to, data, headers={"Leat-Batch": str(number), "Leat-Rows": str(rows)})

    for _ in range(count):
        msg = await sub.next_msg(timeout=20)
        batches = list(pa.ipc.open_stream(msg.data))
        assert len(batches) == 1, f"{len(batches)} batches in a message"
        batch = batches[0]
        batch.validate(full=True)
        assert str(batch.num_rows) == msg.headers["Leat-Rows"], f"{batch.num_rows} rows, the header says {msg.headers['Leat-Rows']}"
        await publish(int(msg.headers["Leat-Batch"]), batch.num_rows, encode(batch))
    for i, data in enumerate(own()):
        await publish(count + i, 4, data)
    await nc.close()


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))

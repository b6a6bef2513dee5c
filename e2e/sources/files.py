"""Writes files and tables with Python's libraries into the directory given, and what their rows are into rows.json there."""

import bz2
import datetime as dt
import decimal
import gzip
import io
import json
import pathlib
import sys

import deltalake
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

out = pathlib.Path(sys.argv[1])
N = 500
rows = {}


def text(v):
    """A value as the Go side prints it."""
    if isinstance(v, dict):
        return {k: text(e) for k, e in v.items()}
    if isinstance(v, list):
        return [text(e) for e in v]
    if isinstance(v, dt.datetime):
        return v.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if v.tzinfo else v.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(v, dt.date):
        return v.strftime("%Y-%m-%dT00:00:00.000000Z")
    if isinstance(v, decimal.Decimal):
        return "%.2f" % v
    if isinstance(v, bytes):
        return v.hex()
    return v


def expect(name, table):
    rows[name] = [text(r) for r in table.to_pylist()]


def sample(first=0, n=N):
    ids = range(first, first + n)
    none = lambda f: [None if i % 7 == 3 else f(i) for i in ids]
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "small": pa.array(none(lambda i: i % 100), pa.int16()),
            "score": pa.array(none(lambda i: i / 8), pa.float64()),
            "ok": pa.array(none(lambda i: i % 2 == 0), pa.bool_()),
            "name": pa.array(none(lambda i: f"naïve, \"{i}\"\n…"), pa.string()),
            "raw": pa.array(none(lambda i: bytes([i % 256, 0])), pa.binary()),
            "day": pa.array(none(lambda i: dt.date(2026, 1, 1) + dt.timedelta(days=i)), pa.date32()),
            "at": pa.array(none(lambda i: dt.datetime(1969, 12, 31, 23, 0, 0, 250000, dt.timezone.utc) + dt.timedelta(seconds=i)), pa.timestamp("us", "UTC")),
            "price": pa.array(none(lambda i: decimal.Decimal(i) / 4), pa.decimal128(10, 2)),
            "tags": pa.array(none(lambda i: ["a"] * (i % 3)), pa.list_(pa.string())),
            "meta": pa.array(none(lambda i: {"lang": "nl", "n": i}), pa.struct([("lang", pa.string()), ("n", pa.int32())])),
        }
    )


t = sample()
big = t.set_column(4, "name", t["name"].cast(pa.large_string()))
coded = t.set_column(4, "name", t["name"].dictionary_encode())

pa.parquet.write_table(t, out / "snappy.parquet", compression="snappy", row_group_size=100)
pa.parquet.write_table(t, out / "zstd.parquet", compression="zstd", data_page_version="2.0", use_dictionary=False)
pa.parquet.write_table(t, out / "gzip.parquet", compression="gzip", version="1.0")
pa.parquet.write_table(big, out / "large.parquet", compression="none")
pa.parquet.write_table(coded, out / "coded.parquet")
pa.feather.write_feather(t, out / "lz4.feather", compression="lz4", chunksize=100)
pa.feather.write_feather(t, out / "zstd.feather", compression="zstd")
with pa.OSFile(str(out / "stream.arrow"), "wb") as f, pa.ipc.new_stream(f, t.schema) as w:
    w.write_table(t, 100)
for n in ["snappy.parquet", "zstd.parquet", "gzip.parquet", "large.parquet", "coded.parquet", "lz4.feather", "zstd.feather", "stream.arrow"]:
    expect(n, t)

flat = t.select(["id", "small", "score", "ok", "name"])
pa.csv.write_csv(flat, out / "a.csv")
expect("a.csv", flat)

nested = t.select(["id", "score", "ok", "name", "tags", "meta"])
lines = "".join(json.dumps(r, ensure_ascii=i % 2 == 0) + "\n" for i, r in enumerate(nested.to_pylist())).encode()
(out / "plain.jsonl").write_bytes(lines)
(out / "gzip.jsonl.gz").write_bytes(gzip.compress(lines[: len(lines) // 2]) + gzip.compress(lines[len(lines) // 2 :]))
(out / "zstd.jsonl.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(lines))
(out / "bzip2.jsonl.bz2").write_bytes(bz2.compress(lines))
for n in ["plain.jsonl", "gzip.jsonl.gz", "zstd.jsonl.zst", "bzip2.jsonl.bz2"]:
    expect(n, nested)



part = t.select(["id", "name", "score", "day", "price", "at", "meta", "tags"]).append_column("lang", pa.array([["n l", "e/n", None][i % 3] for i in range(N)], pa.string()))
deltalake.write_deltalake(str(out / "parted"), part, partition_by=["lang"])
expect("parted", part)

log = sample(0, 100).select(["id", "name"])
deltalake.write_deltalake(str(out / "log"), log)
for i in range(1, 5):
    deltalake.write_deltalake(str(out / "log"), sample(100 * i, 100).select(["id", "name"]), mode="append")
expect("log@6", sample(0, 700).select(["id", "name"]))
deltalake.DeltaTable(str(out / "log")).create_checkpoint()
for i in range(5, 8):
    deltalake.write_deltalake(str(out / "log"), sample(100 * i, 100).select(["id", "name"]), mode="append")
deltalake.DeltaTable(str(out / "log")).optimize.compact()
expect("log@8", sample(0, 800).select(["id", "name"]))
for v in range(0, 4):  # what log clean-up does: only the checkpoint has these versions now
    (out / "log" / "_delta_log" / f"{v:020d}.json").rename(out / f"{v}.json")
deltalake.write_deltalake(str(out / "log"), pa.table({"id": pa.array([-1], pa.int64()), "name": ["new"], "extra": pa.array([1.5])}), mode="append", schema_mode="merge")
rows["log@9"] = [dict(r, extra=None) for r in rows["log@8"]] + [{"id": -1, "name": "new", "extra": 1.5}]
deltalake.DeltaTable(str(out / "log")).delete("id = 5")
rows["log@10"] = [r for r in rows["log@9"] if r["id"] != 5]

(out / "dataset" / "data").mkdir(parents=True)
pa.parquet.write_table(sample(0, 50).select(["id", "name"]), out / "dataset" / "data" / "train-00000-of-00001.parquet")
pa.parquet.write_table(sample(50, 10).select(["id", "name"]), out / "dataset" / "data" / "test-00000-of-00001.parquet")
expect("dataset", sample(0, 60).select(["id", "name"]))

ARTICLE = "<p>" + " ".join(f"Sentence {i} of this article says something about the sea, as sentences do." for i in range(12)) + "</p>"
PAGE = f"<html lang=en><head><title>Page %d</title></head><body><nav><a href=/>home</a></nav><article><h1>Page %d</h1>{ARTICLE}</article></body></html>"


def archive(name, kind, n):
    """A web archive of n pages, packed record by record: responses as a crawler has them, or their texts (WET)."""
    with open(out / name, "wb") as f:
        w = WARCWriter(f, gzip=True)
        w.write_record(w.create_warcinfo_record(name, {"software": "warcio"}))
        for i in range(n):
            url, header = f"http://site.example/{i}", {"WARC-Date": "2026-01-02T03:04:05Z", "WARC-Record-ID": f"<urn:uuid:00000000-0000-0000-0000-{i:012d}>"}
            if kind == "conversion":
                r = w.create_warc_record(url, kind, payload=io.BytesIO(f"Text {i} — ü".encode()), warc_content_type="text/plain", warc_headers_dict=header)
            else:
                body, extra = (PAGE % (i, i)).encode(), []
                if i % 3 == 1:
                    body, extra = gzip.compress(body), [("Content-Encoding", "gzip")]
                elif i % 3 == 2:
                    body, extra = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), [("Transfer-Encoding", "chunked")]
                head = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")] + extra, protocol="HTTP/1.1")
                w.write_record(w.create_warc_record(url, "request", http_headers=StatusAndHeaders(f"GET /{i} HTTP/1.1", [("Host", "site.example")], is_http_request=True)))
                r = w.create_warc_record(url, kind, payload=io.BytesIO(body), http_headers=head, warc_headers_dict=header)
            w.write_record(r)


archive("crawl.warc.gz", "response", 30)
archive("crawl.warc.wet.gz", "conversion", 30)

(out / "cut.parquet").write_bytes((out / "snappy.parquet").read_bytes()[:-1000])
(out / "rows.json").write_text(json.dumps(rows))

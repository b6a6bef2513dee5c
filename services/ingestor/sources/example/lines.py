#!/usr/bin/env python3
"""A source program in Python (docs/source-protocol.md): the lines of the text files in a folder.

Every file is a partition, the cursor is an offset in bytes, the watermark says which files are known. It needs pyarrow and nothing else.

    source:
      type: program
      command: [python3, lines.py]
      config: {folder: /var/log/app}
"""
import base64
import json
import os
import sys

import pyarrow as pa

SCHEMA = pa.schema([pa.field("file", pa.string(), nullable=False), pa.field("line", pa.int64(), nullable=False), pa.field("text", pa.string(), nullable=False)])
BATCH = 512 * 1024  # bytes of text

control = os.fdopen(3, "w", buffering=1)  # a line at a time


def say(kind, **fields):
    print(json.dumps({"type": kind, **fields}), file=control)


class Fatal(Exception):
    """What another try does not mend."""


def plan(folder, since):
    known = (since or {}).get("files", {})
    say("schema", schema=[{"name": f.name, "type": str(f.type), "nullable": f.nullable} for f in SCHEMA])
    files, seen = {}, 0
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            continue
        size = files[name] = os.path.getsize(path)
        if known.get(name) == size:
            seen += 1
        else:
            say("part", id=f"{name}:{size}", name=name, bytes=size, spec={"name": name, "size": size})
    say("watermark", watermark={"files": files}, seen=seen)
    say("done")


class Output:
    def __init__(self):
        self.batches = self.rows = self.rejects = 0
        self.columns = ([], [], [])

    def row(self, *values):
        for column, value in zip(self.columns, values):
            column.append(value)

    def reject(self, file, number, reason, raw):
        say("reject", file=file, number=number, reason=reason, raw=base64.b64encode(raw[: 64 * 1024]).decode())
        self.rejects += 1

    def flush(self, cursor):
        rows = len(self.columns[0])
        data = b""
        if rows:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, SCHEMA) as stream:
                stream.write_batch(pa.record_batch(list(map(list, self.columns)), schema=SCHEMA))
            data = sink.getvalue().to_pybytes()
        say("batch", number=self.batches, rows=rows, bytes=len(data), cursor=cursor)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        self.batches += 1
        self.rows += rows
        self.columns = ([], [], [])


def read(folder, part, cursor):
    at = cursor or {"offset": 0, "line": 0}
    out, waiting = Output(), 0
    with open(os.path.join(folder, part["name"]), "rb") as f:
        f.seek(at["offset"])
        while at["offset"] < part["size"]:
            raw = f.readline()
            if not raw or at["offset"] + len(raw) > part["size"]:
                raise Fatal(f"{part['name']} changed after the run was planned; run again")
            at = {"offset": at["offset"] + len(raw), "line": at["line"] + 1}
            waiting += len(raw)
            try:
                out.row(part["name"], at["line"], raw.rstrip(b"\r\n").decode())
            except UnicodeDecodeError as e:
                out.reject(part["name"], at["line"], f"not UTF-8: {e}", raw)
            if waiting >= BATCH:
                out.flush(at)
                waiting = 0
    if waiting:
        out.flush(at)
    say("done", batches=out.batches, rows=out.rows, rejects=out.rejects)


def main():
    request = json.loads(sys.stdin.readline())
    say("hello", protocol=1, name="lines", version="1")
    try:
        folder = request["config"].get("folder")
        if not folder or not os.path.isdir(folder):
            raise Fatal(f"folder: must name a folder, not {folder!r}")
        if sys.argv[-1] == "plan":
            plan(folder, request.get("since"))
        else:
            read(folder, request["part"], request.get("cursor"))
    except Fatal as e:
        say("error", code="lines", message=str(e))
        sys.exit(1)
    except OSError as e:
        say("error", code="io", message=str(e), retry=True)
        sys.exit(1)


main()

"""Writes cases.jsonl.gz: values and how Python 3.11 and pandas 3 write them.

    python3.11 cases.py

Each line is ["float", bits as hex, repr, json], ["str", json of s, repr], ["time", nanoseconds since 1970 as text, offset in seconds or null,
isoformat, str], or ["delta", nanoseconds as text, str].
"""
import gzip, json, math, random, struct
from datetime import timedelta, timezone, datetime
import pandas as pd

rnd = random.Random(20261126)
lines = []
floats = [0.0, -0.0, 1.0, 7.0, 0.1, 1e16, 1e15, 9999999999999998.0, 1e17, 1e-4, 1e-5, 0.00012, 123456789012345680.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 1e22, 1e21, 2 / 3, 100.0, 1e100, 33.33333333333333]
floats += [struct.unpack("<d", struct.pack("<Q", rnd.getrandbits(64)))[0] for _ in range(4000)] + [round(rnd.uniform(-1e6, 1e6), rnd.randint(0, 6)) for _ in range(2000)]
floats += [rnd.random() * 10 ** rnd.randint(-8, 20) for _ in range(2000)] + [float(rnd.randint(-10 ** 17, 10 ** 17)) for _ in range(1000)]
for f in floats:
    lines.append(["float", struct.pack(">d", f).hex(), repr(f), json.dumps(f)])
chars = [chr(c) for c in range(0x20)] + list("abc'\"\\/\x7f\x80\xa0\xadéß東😀\u200b\u2028\ufeff\U000e0001\u0378\ud800\udfff\u00ff\u0100\ue000")
texts = ["", "'", '"', "'\"", "it's"] + ["".join(rnd.choice(chars) for _ in range(rnd.randint(0, 6))) for _ in range(3000)] + [chr(rnd.randrange(0x110000)) for _ in range(3000)]
for s in texts:
    if "\ud800\udfff" in s:  # JSON would read it back as one character
        continue
    lines.append(["str", json.dumps(s), json.dumps(repr(s))])
for _ in range(3000):
    ns = rnd.choice([rnd.randint(-9 * 10 ** 18, 9 * 10 ** 18), rnd.randint(0, 2 * 10 ** 9) * 10 ** 9, rnd.randint(0, 2 * 10 ** 15) * 1000, rnd.randint(0, 2 * 10 ** 12) * 10 ** 6])
    off = rnd.choice([None, 0, 3600, -5400, 20700, -43200, 3661])
    t = pd.Timestamp(ns, unit="ns")
    if off is not None:
        t = t.tz_localize("UTC").tz_convert(timezone(timedelta(seconds=off)))
    lines.append(["time", str(ns), off, t.isoformat(), str(t)])
for _ in range(2000):
    ns = rnd.choice([0, 1, -1, 1000, -1000, 86400 * 10 ** 9, -86400 * 10 ** 9, rnd.randint(-9 * 10 ** 18, 9 * 10 ** 18), rnd.randint(-10 ** 6, 10 ** 6) * 10 ** 9])
    lines.append(["delta", str(ns), str(pd.Timedelta(ns, unit="ns"))])
with gzip.GzipFile("cases.jsonl.gz", "wb", mtime=0) as f:
    f.write("\n".join(map(json.dumps, lines)).encode())
print(len(lines))

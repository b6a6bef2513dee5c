"""Writes the inputs of the benchmark: a table of 14 columns and documents. The same arguments give the same bytes."""
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

WORDS = """the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their
we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our
man me even most made after also did many off before must well back through years much where your way down should because long each just state people those too mister little good world
make very year still see own work men day get here old life both between being under three never know same last another while us might great go come since against right came take used
system data model value column expectation record batch stream index cluster worker engine request answer token prompt context training release quality ledger budget tenant region""".split()


def words(rng, n):
    # Zipf-like: what is common is common
    p = 1 / np.arange(1, len(WORDS) + 1)
    return rng.choice(len(WORDS), size=n, p=p / p.sum())


def table(rows):
    rng = np.random.default_rng(7)
    start = np.datetime64("2026-01-01T00:00:00", "us")
    i = np.arange(rows)
    note = rng.integers(0, 12, rows)
    pool = [" ".join(WORDS[w] for w in words(rng, k)) for k in range(12) for _ in range(500)]
    notes = [None if j % 3 == 0 else pool[int(k) * 500 + j % 500] for j, k in enumerate(note)]
    discount = rng.random(rows)
    return pa.table({
        "id": pa.array(i, pa.int64()),
        "customer": pa.array(rng.integers(0, 50_000, rows), pa.int64()),
        "quantity": pa.array(rng.integers(0, 100, rows), pa.int32()),
        "price": pa.array(np.round(rng.random(rows) * 1000, 2), pa.float64()),
        "discount": pa.array(discount, pa.float64(), mask=i % 20 == 0),
        "paid": pa.array(rng.random(rows) < 0.5),
        "country": pa.array(np.array(["DE", "FR", "IT", "ES", "PL"])[rng.integers(0, 5, rows)]),
        "email": pa.array([f"user{k}@example.org" if k % 1000 else "nobody" for k in rng.integers(0, 90_000, rows)]),
        "sku": pa.array([f"AB-{k:04d}" for k in rng.integers(0, 10_000, rows)]),
        "note": pa.array(notes, pa.string()),
        "created": pa.array(start + i.astype("timedelta64[s]"), pa.timestamp("us")),
        "score": pa.array(rng.random(rows).astype(np.float32), pa.float32()),
        "low": pa.array(rng.integers(0, 1000, rows), pa.int64()),
        "high": pa.array(rng.integers(990, 2000, rows), pa.int64()),
    })


def documentation(rows, folder):
    """Real technical documentation, cut where a paragraph ends after about 2,800 characters; rows: at most so many."""
    texts = []
    for name in sorted(os.path.join(at, n) for at, _, names in os.walk(folder) for n in names if n.endswith((".txt", ".rst", ".pod", ".md")) and not os.path.islink(os.path.join(at, n))):
        with open(name, encoding="utf-8", errors="replace") as f:
            parts, size = [], 0
            for part in f.read().split("\n\n") + [None]:
                if part is None or size + len(part) > 2800 and size:
                    texts.append("\n\n".join(parts))
                    parts, size = [], 0
                if part is not None:
                    parts.append(part)
                    size += len(part) + 2
    return beside(texts[:rows])


def prose(rows):
    rng = np.random.default_rng(11)
    texts = []
    for j in range(rows):
        parts = []
        for _ in range(int(rng.integers(3, 45))):
            s = [WORDS[w] for w in words(rng, int(rng.integers(5, 22)))]
            s[0] = s[0].capitalize()
            parts.append(" ".join(s) + ".")
        if j % 50 == 7:
            parts.append("Write to user%d@example.org or see https://example.org/page/%d." % (j, j))
        if j % 200 == 9:
            parts.append("<b>bold</b>")
        texts.append("\n".join(" ".join(parts[k:k + 4]) for k in range(0, len(parts), 4)))
    return beside(texts)


def beside(texts):
    """The texts with seven columns that such a data set has."""
    rng, rows = np.random.default_rng(12), len(texts)
    i = np.arange(rows)
    return pa.table({
        "id": pa.array([f"doc-{k:08d}" for k in i]),
        "text": pa.array(texts),
        "title": pa.array([t[:40].strip() for t in texts]),
        "lang": pa.array(np.array(["en", "en", "en", "de", "fr"])[i % 5]),
        "url": pa.array([f"https://example.org/{k % 977}/{k}" for k in i]),
        "crawled": pa.array([f"2026-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in i]),
        "score": pa.array(rng.random(rows), pa.float64()),
        "meta": pa.array(['{"source": "crawl", "depth": %d}' % (k % 7) for k in i]),
    })


if __name__ == "__main__":
    kind, out, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    t = {"table": table, "documentation": documentation, "prose": prose}[kind](rows, *sys.argv[4:])
    feather.write_feather(t, out + ".arrow", compression="uncompressed", chunksize=65_536)
    pq.write_table(t, out + ".parquet", row_group_size=131_072)
    print(f"{t.num_rows} rows, {t.nbytes} bytes of Arrow")

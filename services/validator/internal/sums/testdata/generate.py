"""Writes cases.jsonl: columns, and what pandas makes of them. Needs pandas 3.1.1 and numpy 2.4.6: python generate.py > cases.jsonl"""
import json
import warnings

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
rng = np.random.default_rng(5)


def text(x):
    return str(x) if not isinstance(x, (float, np.floating)) else float(x).hex() if np.isfinite(x) else str(float(x))


def emit(kind, values, series):
    print(json.dumps({
        "kind": kind,
        "values": [None if v is None else text(v) for v in values],
        "sum": [type(series.sum()).__name__, text(series.sum())],
        "mean": text(float(series.mean())),
        "variance": text(float(series.var())),
        "deviation": text(float(series.std())),
    }))


SIZES = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 127, 128, 129, 136, 257, 1031]
for n in SIZES:
    for dtype in (np.float64, np.float32):
        for scale in (1, 1e12, 1e-9):
            if n > 300 and scale != 1:
                continue
            v = (rng.standard_normal(n) * scale + rng.integers(-3, 3)).astype(dtype)
            name = np.dtype(dtype).name
            emit(name, v.tolist(), pd.Series(v))
            if n > 1:
                holes = rng.random(n) < 0.2
                w = np.where(holes, np.nan, v).astype(dtype)
                emit(name, [None if h else x for h, x in zip(holes, v.tolist())], pd.Series(w))
    ints = rng.integers(-1000, 1000, n)
    emit("int", ints.tolist(), pd.Series(ints))
    big = rng.integers(-(2**62), 2**62, n)
    emit("int", big.tolist(), pd.Series(big))
    unsigned = rng.integers(0, 2**64, n, dtype=np.uint64)
    emit("uint", unsigned.tolist(), pd.Series(unsigned))
    if n > 2:
        holes = rng.random(n) < 0.2
        holes[0] = True
        emit("int", [None if h else int(x) for h, x in zip(holes, big)], pd.Series([np.nan if h else float(x) for h, x in zip(holes, big)]))
        bools = rng.random(n) < 0.3
        emit("bool", [int(b) for b in bools], pd.Series(bools))

inf = float("inf")
for v in ([-0.0], [-0.0, -0.0], [inf], [inf, 1.0], [inf, -inf], [-inf, 2.0, 3.0], [1e308, 1e308], [5e-324, 5e-324], [1e16, 1.0, -1e16], [1e200, -1e200, 3.0], [0.1] * 10):
    emit("float64", v, pd.Series(v, dtype=float))
for v in ([inf, 1.0], [3e38, 3e38], [16777216.0, 1.0, 1.0], [0.1] * 20):
    emit("float32", np.array(v, dtype=np.float32).tolist(), pd.Series(v, dtype=np.float32))
emit("float64", [None, None], pd.Series([np.nan, np.nan]))
v = rng.standard_normal(4096)
emit("float64", v.tolist(), pd.Series(v))

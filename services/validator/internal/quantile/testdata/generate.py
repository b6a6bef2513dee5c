"""Writes cases.jsonl: columns, and what pandas and numpy make of them. Needs pandas 3.1.1 and numpy 2.4.6: python generate.py > cases.jsonl"""
import json
import warnings

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
rng = np.random.default_rng(6)
QS = [0.0, 0.05, 0.1, 0.25, 0.3, 1 / 3, 0.5, 0.7, 0.75, 0.9, 0.95, 0.99, 1.0]


def text(x):
    return str(x) if isinstance(x, (int, np.integer)) else float(x).hex() if np.isfinite(x) else str(float(x))


def emit(kind, values, series, edges=None):
    case = {"kind": kind, "values": [None if v is None else text(v) for v in values], "qs": QS, "median": text(float(series.median())), "quantiles": {}}
    for method in ("linear", "lower", "higher", "midpoint", "nearest"):
        r = series.quantile(QS, interpolation=method)
        case["quantiles"][method] = [text(x) for x in r.tolist()]
    if edges is not None:
        case["edges"] = [text(float(e)) for e in edges]
        case["histogram"] = [int(x) for x in np.histogram(series[~series.isnull()], edges)[0]]
    print(json.dumps(case))


for n in [1, 2, 3, 4, 5, 10, 11, 40, 101]:
    for dtype in (np.float64, np.float32):
        v = (rng.standard_normal(n) * 10).astype(dtype)
        name = np.dtype(dtype).name
        emit(name, v.tolist(), pd.Series(v), [-5, 0, 2.5, 7])
        if n > 1:
            holes = rng.random(n) < 0.3
            holes[0], holes[1] = True, False
            emit(name, [None if h else x for h, x in zip(holes, v.tolist())], pd.Series(np.where(holes, np.nan, v).astype(dtype)), [-np.inf, -1, 1, np.inf])
    ints = rng.integers(-20, 20, n)
    emit("int", ints.tolist(), pd.Series(ints), [-20, -7, 0, 5, 19])
    if n > 1:
        emit("int", [None] + ints.tolist()[1:], pd.Series([np.nan] + [float(x) for x in ints[1:]]), [-3, 3])
    big = rng.integers(-(2**54), 2**54, n)
    emit("int", big.tolist(), pd.Series(big))
    unsigned = rng.integers(0, 2**16, n, dtype=np.uint64)
    emit("uint", unsigned.tolist(), pd.Series(unsigned), [0, 1000, 65535])
inf = float("inf")
for v in ([inf], [1.0, inf], [-inf, inf], [-inf, 1.0, 2.0, inf], [-0.0, 0.0], [1e308, -1e308], [5e-324, 1e-323]):
    emit("float64", v, pd.Series(v), [-1, 0, 1])
emit("float64", [None, None], pd.Series([np.nan, np.nan]))

"""Writes cases.jsonl: numpy's histograms and linspace, and the bins that Great Expectations 1.24.1 makes. python generate.py > cases.jsonl"""
import json
import warnings

import numpy as np
import pandas as pd
from great_expectations.expectations.metrics.column_aggregate_metrics.column_partition import _get_column_partition_using_metrics

warnings.simplefilter("ignore")
rng = np.random.default_rng(9)


def clean(v):
    return [float(x).hex() if np.isfinite(x) else str(float(x)) for x in v]


for n in (0, 1, 2, 5, 30, 200):
    for scale in (1, 1000, 1e-3):
        v = pd.Series(np.round(rng.standard_normal(n), 2) * scale)
        edges = sorted(set([-scale, 0, 0.5 * scale] + ([2 * scale] if n != 5 else [-9 * scale]) + v[:3].tolist() + ([v.max()] if n == 5 else [])))
        case = {"values": clean(v), "edges": clean(edges), "counts": [int(x) for x in np.histogram(v, edges)[0]]}
        if n:
            quantiles = v.quantile([0, 0.25, 0.75, 1], interpolation="nearest").tolist()
            auto = _get_column_partition_using_metrics(bins="auto", n_bins=10, _metrics={"column_values.nonnull.count": n, "column.quantile_values": quantiles})
            case["auto"] = clean(auto)
        print(json.dumps(case))
for low, high, n in ((0.0, 1.0, 7), (-3.3, 8.1, 10), (0.0, 5e-324, 3), (2.0, 2.0, 2), (1e308, 1.5e308, 3), (0.0, 2e-323, 6)):
    print(json.dumps({"linear": clean(np.linspace(low, high, n + 1)), "low": low, "high": high}))

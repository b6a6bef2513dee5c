"""Writes cases.jsonl: the rows that Great Expectations 1.24.1 finds far out. python generate.py > cases.jsonl"""
import json

import warnings

import great_expectations as gx
import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
rng = np.random.default_rng(10)
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = gx.data_context.types.base.ProgressBarsConfig(globally=False)
definition = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
X = gx.expectations


def text(x):
    return None if pd.isnull(x) else float(x).hex() if np.isfinite(x) else str(float(x))


def run(series, name, expectation, **kwargs):
    batch = definition.get_batch(batch_parameters={"dataframe": pd.DataFrame({"x": series})})
    r = batch.validate(expectation(column="x", **kwargs), result_format="COMPLETE")
    case = {"kind": str(series.dtype), "values": [text(x) for x in series], "what": name, "rows": [int(i) for i in r.result["unexpected_index_list"]]}
    case.update(kwargs)
    print(json.dumps(case))


def columns():
    inf = float("inf")
    for n in (1, 2, 3, 10, 60):
        v = np.round(rng.standard_normal(n) ** 3, 3)
        yield pd.Series(v)
        yield pd.Series(v.astype(np.float32))
        yield pd.Series(rng.integers(-5, 6, n) ** 3)
        if n > 2:
            yield pd.Series(np.where(rng.random(n) < 0.3, np.nan, v))
    yield pd.Series([5.0] * 7)
    yield pd.Series([1.0, 1.0, 1.0, 1.0, 1.0, 9.0])
    yield pd.Series([1.0, 2.0, inf, 3.0])
    yield pd.Series([-inf, 2.0, inf, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    yield pd.Series([0.1, 0.2, 0.3, 0.4, 0.4, 10.0])


for values in ([1.0, 2.0, 3.0], [4, 6, 8]):
    for threshold in (1, -1):
        for double in (True, False):
            run(pd.Series(values), "z", X.ExpectColumnValueZScoresToBeLessThan, threshold=threshold, double_sided=double)
# float32 columns, judged at a value's own score or just beside it, where float64 would judge otherwise
for _ in range(12):
    c = pd.Series(np.round(rng.standard_normal(9) * 3, 2).astype(np.float32))
    at = int(c.argmax())
    run(c, "z", X.ExpectColumnValueZScoresToBeLessThan, threshold=float(((c - c.mean()) / c.std())[at]), double_sided=True)
    low, high = float(c.quantile(0.25)), float(c.quantile(0.75))
    run(c, "window", X.ExpectColumnValuesToNotBeOutliers, method="iqr", multiplier=(float(c[at]) - 1e-9 - high) / (high - low))
    run(c, "window", X.ExpectColumnValuesToNotBeOutliers, method="std", multiplier=float((c - float(c.mean())).abs()[at]) / float(c.std()))
for c in columns():
    for threshold in (0, 0.5, 1, 2, -1):
        for double in (True, False):
            run(c, "z", X.ExpectColumnValueZScoresToBeLessThan, threshold=threshold, double_sided=double)
    for method in ("iqr", "std"):
        for multiplier in (0, 0.5, 1.5, 3):
            run(c, "window", X.ExpectColumnValuesToNotBeOutliers, method=method, multiplier=multiplier)

"""Writes cases.jsonl: what Great Expectations 1.24.1 says of expect_column_kl_divergence_to_be_less_than, and scipy 1.17.1's entropy. python generate.py > cases.jsonl"""
import json
import warnings

import great_expectations as gx
import numpy as np
import pandas as pd
from scipy import stats

warnings.simplefilter("ignore")
rng = np.random.default_rng(8)
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("p").add_dataframe_asset("a")
definition = asset.add_batch_definition_whole_dataframe("b")
inf = float("inf")


def clean(x):
    if isinstance(x, (list, tuple)):
        return [clean(v) for v in x]
    if isinstance(x, (float, np.floating)):
        return float(x).hex() if np.isfinite(x) else str(float(x))
    if isinstance(x, (int, np.integer)):
        return float(x).hex()
    return x


def run(column, partition, **kwargs):
    batch = definition.get_batch(batch_parameters={"dataframe": pd.DataFrame({"x": column})})
    case = {"column": clean(column.tolist()), "partition": {k: clean(v) for k, v in partition.items()} if partition else None}
    case.update({k: v for k, v in kwargs.items()})
    try:
        judge(case, partition, kwargs, batch)
    except Exception as e:  # refused while its metrics are looked for
        case["error"] = str(e)
    print(json.dumps(case))


def judge(case, partition, kwargs, batch):
    e = gx.expectations.ExpectColumnKLDivergenceToBeLessThan(column="x", partition_object=partition, **kwargs)
    r = batch.validate(e)
    if r.exception_info and r.exception_info.get("raised_exception") or "observed_value" not in r.result:
        info = r.exception_info
        case["error"] = (list(info.values())[0] if "exception_message" not in info else info)["exception_message"]
    else:
        case["success"] = bool(r.success)
        case["observed"] = clean(r.result["observed_value"])
        case["details"] = {k: {a: clean(b) for a, b in v.items()} for k, v in r.result["details"].items()}


def normal(n):
    return pd.Series(np.round(rng.standard_normal(n) * 3, 2))


def weights(n, total=1.0, zeros=0):
    w = rng.random(n)
    w[:zeros] = 0
    return (w / w.sum() * total).tolist()


for n in (1, 5, 40):
    for k in (1, 2, 5, 9):
        bins = sorted(set(np.round(rng.standard_normal(k + 1) * 4, 2).tolist()))
        k = len(bins) - 1
        if k < 1:
            continue
        run(normal(n), {"bins": bins, "weights": weights(k)}, threshold=0.5)
        run(normal(n), {"bins": bins, "weights": weights(k)}, threshold=0.5, tail_weight_holdout=0.01)
        run(normal(n), {"bins": bins, "weights": weights(k, zeros=k // 2)}, threshold=5, tail_weight_holdout=0.02, internal_weight_holdout=0.03)
        run(normal(n), {"bins": bins, "weights": weights(k, 0.9), "tail_weights": [0.04, 0.06]}, threshold=1)
        run(normal(n), {"bins": [-inf] + bins + [inf], "weights": weights(k + 2)}, threshold=0.5)
        run(normal(n), {"bins": [-inf] + bins, "weights": weights(k + 1)}, threshold=0.5, tail_weight_holdout=0.05)
        run(normal(n), {"bins": bins + [inf], "weights": weights(k + 1)}, threshold=0.5, tail_weight_holdout=0.05)
values = pd.Series([1.0, 2.0, 3.0, 2.0])
bins = {"bins": [0, 2, 4], "weights": [0.5, 0.5]}
run(values, bins, threshold=-1)
run(values, {"bins": [0, 2, 4], "weights": [0.5, 0.3], "tail_weights": [0.1, 0.1]}, threshold=1, tail_weight_holdout=0.1)
run(values, {"bins": [-inf, 2, 4], "weights": [0.5, 0.3], "tail_weights": [0.1, 0.1]}, threshold=1)
run(values, {"bins": [-inf, 2, inf], "weights": [0.5, 0.5]}, threshold=1, tail_weight_holdout=0.1)
run(values, {"bins": [0, 2, 2], "weights": [0.5, 0.5]}, threshold=1)
run(values, {"bins": [0, 2, 4], "weights": [0.5, 0.6]}, threshold=1)
run(pd.Series([np.nan, np.nan]), bins, threshold=1)

# scipy.stats.entropy itself, with terms near and far from each other
for n in (1, 2, 3, 7, 8, 9, 50, 200):
    for spread in (0.1, 3, 30, 300):
        p, q = np.exp(rng.standard_normal(n) * spread), np.exp(rng.standard_normal(n) * spread)
        print(json.dumps({"p": clean(p.tolist()), "q": clean(q.tolist()), "entropy": clean(float(stats.entropy(p, q)))}))

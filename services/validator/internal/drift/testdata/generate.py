"""Writes cases.jsonl: scipy 1.17.1's answers. python generate.py > cases.jsonl"""
import json

import numpy as np
from scipy import special, stats

rng = np.random.default_rng(11)


def stability(a, b):
    """By the definition: bins that close at the first number where a tenth more of the reference is reached."""
    keys = np.unique(np.concatenate([a, b]))
    edges, seen, nxt, bins, start = [], 0, 1, [], 0
    for i, k in enumerate(keys):
        if seen < len(a) and seen * 10 >= nxt * len(a):
            bins.append(keys[start:i])
            start, nxt = i, seen * 10 // len(a) + 1
        seen += int((a == k).sum())
    bins.append(keys[start:])
    total = 0
    for c in bins:
        p, q = max(np.isin(a, c).mean(), 1e-4), max(np.isin(b, c).mean(), 1e-4)
        total += (q - p) * np.log(q / p)
    return float(total)


for n, m in ((1, 1), (1, 5), (3, 4), (10, 10), (10, 37), (100, 90), (300, 1000)):
    for shift in (0, 0.3, 2):
        for ties in (False, True):
            a, b = rng.standard_normal(n), rng.standard_normal(m) * 1.2 + shift
            if ties:
                a, b = np.round(a * 2) / 2, np.round(b * 2) / 2
            else:
                a, b = np.round(a, 6), np.round(b, 6)
            k = stats.ks_2samp(a, b, method="exact")
            case = {"a": a.tolist(), "b": b.tolist(), "statistic": float(k.statistic), "p": float(k.pvalue), "stability": stability(a, b)}
            if a.std() > 0:
                case["wasserstein"] = float(stats.wasserstein_distance(a, b) / a.std())
            print(json.dumps(case))
for k in (2, 3, 10, 60):
    for n in (50, 5000):
        for same in (True, False):
            w = rng.random(k) + 0.2
            v = w if same else rng.random(k) + 0.2
            table = np.array([rng.multinomial(n, w / w.sum()), rng.multinomial(2 * n, v / v.sum())])
            used = table[:, table.sum(axis=0) > 0]
            chi, g = stats.chi2_contingency(used, correction=False), stats.chi2_contingency(used, correction=False, lambda_="log-likelihood")
            print(json.dumps({"table": table.tolist(), "chi": [float(chi.statistic), float(chi.pvalue)], "g": [float(g.statistic), float(g.pvalue)], "freedom": int(chi.dof)}))
print(json.dumps({"kolmogorov": [[x, float(special.kolmogorov(x))] for x in (0.01, 0.2, 0.4, 0.7, 1.0, 1.17, 1.19, 1.5, 2.0, 4.0, 8.0)]}))
print(json.dumps({"gamma": [[a, x, float(special.gammaincc(a, x))] for a in (0.5, 1, 2.5, 10, 100, 2000) for x in (0.001, 0.5, 1, 3, 9, 11, 90, 110, 1900, 2100)]}))

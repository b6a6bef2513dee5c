"""Writes pandas.jsonl.gz: patterns, columns, and what str.contains of pandas 3 on Arrow strings says of them.

    python3.11 pandas_cases.py      (pandas 3.1.1, pyarrow 26.0.1)

Each line is [pattern, column, verdicts]; verdicts is null where the engine refuses. Pieces of cases.py are reused.
"""
import gzip, json, re, sys, warnings

source = open("cases.py").read().rsplit("main()", 1)[0]
exec(source)
import pandas as pd

warnings.simplefilter("ignore")
RE2 = [r"\pL", r"\p{Greek}", r"[[:alpha:]]", r"[[:alpha:]]\d", r"[[:^digit:]]$", r"\z", r"a\z", r"\Qa.b\E", r"\x{41}", r"(?U)a+", r"(?x)a b", r"x{1001}", r"a{,3}", r"a{,3}\d", r"\B", r"^\B$",
       r"(?i)ß$", r"(?i)k$", r"(?i)İ", r"(?i)i", r"\C", r"a\Z|b", r"\\Z", r"(?P<n>a)\d", r"(?<n>a)", r"\1", r"(?i)ẞ", r"[\Z]", r"(?s).$", r"(?m)^b$", r"\d++", r"(?>\w)a", r"[^\W\d_]", r"\07", r"\101", r"\_", r"\é"]
COLUMNS = [["a", "b", "AB12", "", "a.b", "k", "aab"], ["a\n", "b", "a\nb", "", "\n"], ["é", "a", "K", "ß", "ẞ", "Σ", "ſ", ""], ["é\n", "b\n", "٣", "1", "İ", "i"], ["a b", "a\x0bb", "A", "x1", "1x", "{,3}"]]


def verdict(p, col):
    try:
        return [1 if x else 0 for x in pd.Series(col, dtype="str").astype(str).str.contains(p)]
    except Exception as e:
        return None


lines, patterns = [], []
for p in RE2 + list(given()) + [rnd.choice(FLAGS) + pattern(rnd.randint(0, 2)) for _ in range(1500)]:
    if p in patterns:
        continue
    patterns.append(p)
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        for col in COLUMNS:
            lines.append(json.dumps([p, col, verdict(p, col)]))
    except Slow:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
with gzip.GzipFile("pandas.jsonl.gz", "wb", mtime=0) as f:
    f.write("\n".join(lines).encode())
print(len(lines))

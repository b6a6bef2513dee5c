"""Writes cases.jsonl.gz: LIKE patterns, escape characters, texts and what SQLite says.

    python3.11 cases.py

Each line is [pattern, escape, texts, verdicts].
"""
import gzip, json, random, sqlite3

rnd = random.Random(20261126)
db = sqlite3.connect(":memory:")
CHARS = list("aAbBzZ%_é") + ["É", "ß", "ẞ", "K", "k", "东", "😀", "\\", "!", "1", " ", "\n", "\x00"]
GIVEN = ["", "%", "_", "__", "%_", "_%", "%%", "a", "A", "é", "É", "%é", "%é%", "a%b", "%a%b%", "a_b", "50%", "50!%", "\\%", "!", "!!", "%!", "%!%", "%_%_%", "_!_", "a\x00b", "%\x00", "k", "😀_", "%東", "a%%b", "%a_", "!a"]


def made(chars, n):
    return "".join(rnd.choice(chars) for _ in range(rnd.randint(0, n)))


lines = []
for p in GIVEN + [made(CHARS + ["%", "_"] * 3, 6) for _ in range(3000)]:
    escape = rnd.choice([None, None, "!", "\\", "%", "_", "a", "é"])
    texts = ["", "a", "A", "é", "É", "ab", "aXb", "50%", "a\x00b"] + [made(CHARS, 8) for _ in range(8)]
    texts += ["".join(made(CHARS, 3) if c == "%" else rnd.choice(CHARS) if c == "_" else rnd.choice([c, c.upper()[:1], c.lower()[:1]]) for c in p) for _ in range(6)]
    q = "select ? like ?" + (" escape ?" if escape else "")
    out = [db.execute(q, (t, p) + ((escape,) if escape else ())).fetchone()[0] for t in texts]
    lines.append(json.dumps([p, escape or "", texts, out]))
with gzip.GzipFile("cases.jsonl.gz", "wb", mtime=0) as f:
    f.write("\n".join(lines).encode())
print(len(lines), sum(sum(json.loads(l)[3]) for l in lines), sqlite3.sqlite_version)

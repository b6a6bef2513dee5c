"""Writes cases.jsonl.gz: texts and what json.loads of Python 3.11 makes of them, as json.dumps writes it again (null: refused).

    python3.11 cases.py

Surrogates that stand alone cannot be in a text of the column; they come from escapes only.
"""
import gzip, json, random

rnd = random.Random(20261126)
GIVEN = ['', ' ', 'null', 'true', 'false', 'NaN', 'Infinity', '-Infinity', '-NaN', '+1', '-', '--1', '01', '-01', '0', '-0', '-0.0', '1.', '.5', '1.5', '1e5', '1E+5', '1e', '1e+', '1.e5', '1.5e-7', '1e400', '-1e400', '1e-400', '9' * 30, '9' * 4300, '9' * 4301, '-' + '9' * 4300,
         '9' * 4301 + '.0', '"', '""', '"a"', "'a'", '"\\u0041"', '"\\u004"', '"\\u00g1"', '"\\u+041"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\ud83d\\u0041"', '"\\ud83dx"', '"\\ud83d\\n"', '"\\x"', '"\\/"', '"\\b\\f\\n\\r\\t\\"\\\\"', '"\n"', '"\t"', '"\x7f"', '"\x00"', '"\u2028"', '"é東😀"', '"\\"',
         '\ufeff1', ' \t\n\r1 \t\n\r', '\x0b1', '\xa01', '1 2', '1,', '[]', '[ ]', '[1]', '[1,]', '[,]', '[1 2]', '[', ']', '[1', '[1,', '[[]]', '[}', '{}', '{ }', '{"a":1}', '{"a" : 1 , "b":2}', '{"a":1,}', '{,}', '{a:1}', "{'a':1}", '{"a"}', '{"a":}', '{"a":1 "b":2}', '{1:2}', '{"a":1,"a":2}', '{"b":1,"a":2,"b":3}',
         '{', '{"', '{"a', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":{"b":[1,{"c":null}]}}', 'nul', 'nulll', 'True', 'None', 'nan', 'inf', 'N', 'I', '-I', '-Inf', '// c', '1 // c', '١', '"a" "b"', '[NaN,-Infinity,Infinity]', '[1.0,1,1.50]', '[' * 500 + ']' * 500, '[' * 3000, '{"a":' * 500 + '1' + '}' * 500]


def value(d):
    r = rnd.random()
    if r < .3 and d:
        return "[" + ",".join(value(d - 1) for _ in range(rnd.randint(0, 3))) + "]"
    if r < .6 and d:
        return "{" + ",".join(rnd.choice(['"a"', '"b"', '"é"', '""', '"\\u0061"']) + ":" + value(d - 1) for _ in range(rnd.randint(0, 3))) + "}"
    return rnd.choice(["null", "true", "false", "0", "-1", "12", "1.5", "1e3", "NaN", "-Infinity", '"x"', '"\\n"', '"\\ud800"', str(rnd.randint(-10 ** 25, 10 ** 25)), repr(rnd.uniform(-1e9, 1e9)), '"é"', "1E5", "0.10"])


def made():
    s = value(4)
    for _ in range(rnd.choice([0, 0, 0, 1, 1, 2])):
        i = rnd.randrange(len(s) + 1)
        s = s[:i] + rnd.choice(list(' \t\n,:[]{}"\\0123456789-+.eEntfuNI') + ["", "é", "\x01"]) + s[i + rnd.randint(0, 2):]
    return s


def again(s):
    try:
        return json.dumps(json.loads(s))
    except Exception:
        return None


lines = [json.dumps([s, again(s)]) for s in GIVEN + [made() for _ in range(12000)]]
with gzip.GzipFile("cases.jsonl.gz", "wb", mtime=0) as f:
    f.write("\n".join(lines).encode())
print(len(lines), sum(l.endswith("null]") for l in lines), "refused")

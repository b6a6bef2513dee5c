"""Draws suites of several expectations from cases, and answers them with the JSON of the real Great Expectations.

Usage: python suites.py SEED COUNT CASES.jsonl... > gx_suites/SEED.jsonl   (run beside answer.py)
"""
import json, random, sys
import pyarrow as pa
from great_expectations.core.expectation_suite import ExpectationSuite
import answer

R = random.Random(int(sys.argv[1]))
cases = [json.loads(l) for f in sys.argv[3:] for l in open(f)]


def dressed(case, n):
    e = {'type': case['type'], 'kwargs': case['kwargs']}
    if R.random() < .4: e['meta'] = {'n': n}
    if R.random() < .4: e['severity'] = R.choice(['critical', 'warning', 'info'])
    if R.random() < .3: e['notes'] = R.choice(['a note', ['one', 'two']])
    if R.random() < .2: e['description'] = 'what it is'
    if R.random() < .3: e['id'] = '00000000-0000-4000-8000-%012d' % R.randint(0, 10**9)
    return e


def suite(i):
    base = R.choice(cases)
    fit = [c for c in R.sample(cases, min(400, len(cases))) if set(c['cols']) <= set(base['cols'])]
    s = {'name': 's%d' % i, 'expectations': [dressed(c, n) for n, c in enumerate([base] + R.sample(fit, min(len(fit), R.choice([1, 2, 4, 6]))))]}
    if R.random() < .4: s['meta'] = {'by': 'me'}
    if R.random() < .3: s['id'] = '10000000-0000-4000-8000-%012d' % i
    if R.random() < .2: s['notes'] = 'hello'
    return {'suite': s, 'cols': base['cols'], 'rf': R.choice(['BOOLEAN_ONLY', 'BASIC', 'SUMMARY', 'COMPLETE'])}


for i in range(int(sys.argv[2])):
    c = suite(i)
    df = pa.table({k: answer.arr(*v) for k, v in c['cols'].items()}).to_pandas()
    batch = answer.src.add_dataframe_asset('s%d' % i).add_batch_definition_whole_dataframe('b').get_batch(batch_parameters={'dataframe': df})
    try:
        r = batch.validate(ExpectationSuite(**c['suite']), result_format=c['rf']).to_json_dict()
    except Exception:  # an expectation that GX does not build fails the whole suite there; cases show such
        continue
    c['result'] = json.loads(json.dumps(r, default=lambda v: bool(v)).replace('-Infinity', '"-Infinity"').replace(': Infinity', ': "Infinity"'))
    print(json.dumps(c, ensure_ascii=False))

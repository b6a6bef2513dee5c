"""Draws cases of wider shapes than draw.py: more types of columns, kwargs drawn afresh, every option of a result's format, conditions in all forms.

Usage: python wide.py SEED COUNT | python answer.py > wide.jsonl   (great-expectations 1.24.1, pandas 3, pyarrow)
"""
import json, random, sys

R = random.Random(int(sys.argv[1]))
pick = R.choice
TEXTS = ['a', 'b', 'bb', 'A', '', ' ', 'a b', 'é', 'e\u0301', '東京', '😀', 'ß', '1', '1.0', 'nan', 'None', 'true', 'null', '2026-01-01', '2026-13-01', '10:30', 'Jan 5 2020', 'x@y.org', '{"a":1}', '[1,2]', '50%', 'a_b', 'tab\t', 'line\nbreak', '\u00a0', 'İ']
STAMPS = ['2026-01-01T00:00:00', '2026-01-02T03:04:05.678901', '1969-12-31T23:59:59', '2024-02-29T12:00:00', '2026-03-29T01:30:00', '2026-10-25T00:30:00.5', '1900-01-01T00:00:00']
VALUES = {
    'int64': [0, 1, -1, 2, 3, 5, 7, 100, -50, 2**53 + 1], 'int32': [0, 1, -1, 2, 3, 7, 2**31 - 1], 'int16': [0, 1, 2, -5, 300], 'int8': [0, 1, -128, 127, 2],
    'uint8': [0, 1, 2, 255], 'uint16': [0, 1, 7], 'uint32': [0, 1, 5, 2**32 - 1], 'uint64': [0, 1, 5, 2**63 + 5],
    'float64': [0.0, 1.5, -2.25, 0.1, 1e10, 1e-7, 'NaN', 'Infinity', '-Infinity', 3.0, 1.0, 2.0, 1e16, 123456.789, '-0.0'], 'float32': [0.0, 1.5, 0.1, 'NaN', 3.0, 1.0, 1e10, 7.7],
    'string': TEXTS, 'large_string': TEXTS, 'dictionary<string>': TEXTS[:12], 'bool': [True, False],
    'timestamp[us]': STAMPS, 'timestamp[ns]': STAMPS, 'timestamp[ms]': [s[:23] for s in STAMPS], 'timestamp[s]': [s[:19] for s in STAMPS],
    'timestamp[us,UTC]': STAMPS, 'timestamp[us,Europe/Berlin]': STAMPS, 'date32': ['2026-01-01', '2025-12-31', '1960-02-29', '2026-01-02'],
    'decimal128(10,2)': ['1.50', '2.25', '-3.00', '0.10', '1.00'], 'decimal128(20,0)': ['1', '2', '10000000000000000000'],
    'list<int64>': [[1], [1, 2], [], [3, None]], 'null': [None],
}
WEIGHTS = {'int64': 6, 'string': 6, 'float64': 5, 'bool': 3, 'timestamp[us]': 2, 'dictionary<string>': 2, 'date32': 2, 'decimal128(10,2)': 2, 'timestamp[us,UTC]': 2}
KINDS = [t for t in VALUES for _ in range(WEIGHTS.get(t, 1))]
RARE = {'list<int64>', 'null', 'decimal128(20,0)'}


def column(n, kind=None):
    kind = kind or pick(KINDS)
    if kind in RARE and R.random() < .7:
        kind = 'string'
    some = R.sample(VALUES[kind], min(len(VALUES[kind]), pick([1, 2, 3, 6, 30])))
    gaps = pick([0, 0, .2, .5, 1 if R.random() < .3 else .1])
    return [kind, [None if kind == 'null' or R.random() < gaps else pick(some) for _ in range(n)]]


def value(c):
    """A value as a suite would write it: mostly one of the column's, or near it, else anything."""
    present = [v for v in c[1] if v is not None and not isinstance(v, list) and v not in ('NaN', 'Infinity', '-Infinity')]
    if present and R.random() < .75:
        v = pick(present)
        if c[0].startswith('decimal') or v == '-0.0':
            v = float(v)
        if isinstance(v, (int, float)) and not isinstance(v, bool) and R.random() < .2:
            v = pick([v + 1, float(v), v + .5, v - 1])
        if c[0].startswith('timestamp') and R.random() < .3:
            v = v[:10]
        return v
    return pick([0, 1, 2.5, 'a', '', 'b', True, '2026-01-01', '2026-01-01T00:00:00', -1, 3, 1e3])


def number(c, low=-3, high=8):
    v = value(c)
    if isinstance(v, (int, float)) and R.random() < .6:
        return v
    return pick([R.randint(low, high), round(R.uniform(low, high), 2)])


def bounds(f, strict=True):
    kw = {}
    if R.random() < .75: kw['min_value'] = f()
    if R.random() < .75: kw['max_value'] = f()
    if len(kw) == 2 and R.random() < .8:
        try:
            if kw['min_value'] > kw['max_value']: kw['min_value'], kw['max_value'] = kw['max_value'], kw['min_value']
        except TypeError: pass
    if strict and R.random() < .25: kw[pick(['strict_min', 'strict_max'])] = pick([True, True, False])
    return kw


REGEX = ['^a', 'b+', '.*', '^$', r'\d', r'^\d{4}-\d{2}-\d{2}$', '[A-Z]', '(?i)a', r'\w+', r'^\s', 'é', r'^.$', '1', r'\.', '^(a|b)$', r'[^\x00-\x7f]', r'(a)\1', r'(?=b)b', '$', r'\bb\b']
STRF = ['%Y-%m-%d', '%H:%M', '%b %d %Y', '%Y', '%d', '%Y-%m-%dT%H:%M:%S']
SCHEMAS = [{'type': 'object'}, {'type': 'array', 'items': {'type': 'integer'}}, {'type': 'integer'}, {'required': ['a']}, {}]
TYPES = ['int64', 'int', 'float64', 'float', 'str', 'object', 'bool', 'datetime64[us]', 'datetime64', 'Timestamp', 'category', 'date', 'Decimal', 'list', 'int32', 'string', 'datetime64[ns]', 'datetime64[us, UTC]', 'nonsense', 'float32', 'bool_']


def vset(c): return [value(c) for _ in range(pick([0, 1, 2, 3, 5]))]


ROWS = {
    'values_to_not_be_null': lambda c: {}, 'values_to_be_null': lambda c: {}, 'values_to_be_unique': lambda c: {},
    'values_to_be_between': lambda c: bounds(lambda: value(c)), 'values_to_be_in_set': lambda c: {'value_set': vset(c)}, 'values_to_not_be_in_set': lambda c: {'value_set': vset(c)},
    'value_lengths_to_be_between': lambda c: bounds(lambda: R.randint(0, 6)), 'value_lengths_to_equal': lambda c: {'value': pick([0, 1, 2, 3, 4, 10, 19])},
    'values_to_match_regex': lambda c: {'regex': pick(REGEX)}, 'values_to_not_match_regex': lambda c: {'regex': pick(REGEX)},
    'values_to_match_regex_list': lambda c: {'regex_list': R.sample(REGEX, pick([1, 2, 3])), **({'match_on': pick(['any', 'all'])} if R.random() < .6 else {})},
    'values_to_not_match_regex_list': lambda c: {'regex_list': R.sample(REGEX, pick([1, 2, 3]))},
    'values_to_be_dateutil_parseable': lambda c: {}, 'values_to_match_strftime_format': lambda c: {'strftime_format': pick(STRF)},
    'values_to_be_json_parseable': lambda c: {}, 'values_to_match_json_schema': lambda c: {'json_schema': pick(SCHEMAS)},
    'values_to_be_of_type': lambda c: {'type_': pick(TYPES)}, 'values_to_be_in_type_list': lambda c: {'type_list': R.sample(TYPES, pick([1, 2, 3]))},
    'values_to_be_increasing': lambda c: {'strictly': True} if R.random() < .4 else {}, 'values_to_be_decreasing': lambda c: {'strictly': True} if R.random() < .4 else {},
    'value_z_scores_to_be_less_than': lambda c: {'threshold': pick([0.5, 1, 1.2, 2, 3]), 'double_sided': pick([True, False])},
    'values_to_not_be_outliers': lambda c: {k: v for k, v in {'method': pick(['iqr', 'std']), 'multiplier': pick([0.5, 1, 1.5, 2])}.items() if R.random() < .7},
}
WHOLE = {
    'min_to_be_between': lambda c: bounds(lambda: value(c)), 'max_to_be_between': lambda c: bounds(lambda: value(c)),
    'mean_to_be_between': lambda c: bounds(lambda: pick([number(c), value(c)])), 'median_to_be_between': lambda c: bounds(lambda: pick([number(c), value(c)])),
    'sum_to_be_between': lambda c: bounds(lambda: number(c, 0, 50)) if R.random() < .8 else {}, 'stdev_to_be_between': lambda c: bounds(lambda: number(c, 0, 4)),
    'unique_value_count_to_be_between': lambda c: bounds(lambda: R.randint(0, 6)), 'proportion_of_unique_values_to_be_between': lambda c: bounds(lambda: pick([0, .2, .5, 1.0])),
    'proportion_of_non_null_values_to_be_between': lambda c: bounds(lambda: pick([0, .2, .5, 1.0])),
    'distinct_values_to_be_in_set': lambda c: {'value_set': vset(c)}, 'distinct_values_to_contain_set': lambda c: {'value_set': vset(c)}, 'distinct_values_to_equal_set': lambda c: {'value_set': vset(c)},
    'most_common_value_to_be_in_set': lambda c: {'value_set': vset(c), **({'ties_okay': pick([True, False])} if R.random() < .5 else {})},
    'quantile_values_to_be_between': lambda c: quantiles(c), 'kl_divergence_to_be_less_than': lambda c: divergence(c),
    'to_exist': lambda c: {'column_index': pick([0, 1, 2])} if R.random() < .5 else {}, 'type_to_be': lambda c: {'type_': pick(TYPES)},
}


def quantiles(c):
    q = sorted(R.sample([0, .1, .25, .5, .75, .9, 1], pick([1, 2, 3])))
    return {'quantile_ranges': {'quantiles': q, 'value_ranges': [[pick([None, number(c)]), pick([None, number(c)])] for _ in q]},
            **({'allow_relative_error': pick([False, 'lower', 'higher', 'nearest', 'midpoint', 'linear'])} if R.random() < .6 else {})}


def weights(n):
    w = [R.randint(0, 5) for _ in range(n)]
    s = sum(w) or 1
    return [x / s for x in w] if sum(w) else [1 / n] * n


def divergence(c):
    kw = {}
    if R.random() < .4: kw['tail_weight_holdout'] = pick([0, .01, .1])
    if R.random() < .4: kw['internal_weight_holdout'] = pick([0, .01, .1])
    if R.random() < .8: kw['threshold'] = pick([0.0, .1, .5, 1, 10])
    if R.random() < .15: kw['bucketize_data'] = pick([True, False])
    shape = R.random()
    if shape < .2: return kw
    if shape < .6:
        vs = list(dict.fromkeys(value(c) for _ in range(pick([1, 2, 3, 4]))))
        return {'partition_object': {'values': vs, 'weights': weights(len(vs))}, **kw}
    edges = sorted(R.sample(range(-5, 12), pick([2, 3, 5])))
    p = {'bins': edges, 'weights': weights(len(edges) - 1)}
    if R.random() < .3: p['weights'] = [w * .8 for w in p['weights']]; p['tail_weights'] = [.1, .1]
    return {'partition_object': p, **kw}


def condition():
    form = pick(['pandas', 'legacy', 'object', 'object', 'and', 'or', 'pass'])
    leaf = lambda: pick([
        {'type': 'comparison', 'column': {'name': 'g'}, 'operator': pick(['==', '!=']), 'parameter': pick(['a', 'b', 'zz'])},
        {'type': 'comparison', 'column': {'name': 'w'}, 'operator': pick(['==', '!=', '<', '<=', '>', '>=']), 'parameter': pick([0, 1, 2.5, 4])},
        {'type': 'comparison', 'column': {'name': 'g'}, 'operator': pick(['IN', 'NOT_IN']), 'parameter': R.sample(['a', 'b', 'c'], 2)},
        {'type': 'comparison', 'column': {'name': 'w'}, 'operator': pick(['IN', 'NOT_IN']), 'parameter': [1, 2]},
        {'type': 'nullity', 'column': {'name': pick(['g', 'w'])}, 'is_null': pick([True, False])}])
    if form == 'pandas':
        return {'row_condition': pick(['w > 1', 'w >= 0 and g == "a"', 'g in ["a", "b"]', 'not (w < 2)', 'w % 2 == 0', 'g != "a" or w == 0', 'g.isnull()', 'w == 99', '0 <= w < 3', '`w` > 1', '~(g == "a")', 'w * 2 > 3']), 'condition_parser': 'pandas'}
    if form == 'legacy':
        return {'row_condition': pick(['col("g") == "a"', 'col("w") > 1', 'col("w") <= 2.5', 'col("g").notNull()', 'col("g") != "b"', 'col("w") == 99']), 'condition_parser': 'great_expectations'}
    if form in ('and', 'or'):
        return {'row_condition': {'type': form, 'conditions': [leaf() for _ in range(pick([1, 2, 3]))]}}
    if form == 'pass':
        return {'row_condition': {'type': 'pass_through', 'pass_through_filter': pick(['w >= 1', 'g == "b"'])}}
    return {'row_condition': leaf()}


def result_format(names):
    level = pick(['BOOLEAN_ONLY', 'BASIC', 'SUMMARY', 'COMPLETE'])
    if R.random() < .3: return level
    f = {'result_format': level}
    if R.random() < .4: f['partial_unexpected_count'] = pick([0, 1, 2, 20, 300])
    if R.random() < .35: f['include_unexpected_rows'] = pick([True, True, False])
    if R.random() < .25: f['exclude_unexpected_values'] = pick([True, True, False])
    if R.random() < .3: f['return_unexpected_index_query'] = pick([True, False])
    if R.random() < .35: f['unexpected_index_column_names'] = R.sample(names, pick([1, 1, min(2, len(names))]))
    return f


def case(i):
    n = pick([0, 1, 2, 3, 5, 8, 13, 13, 30])
    kind = R.random()
    cols = {'x': column(n)}
    kw = {'column': 'x'}
    if kind < .5: name = pick(list(ROWS)); kw.update(ROWS[name](cols['x'])); name = 'expect_column_' + name
    elif kind < .75: name = pick(list(WHOLE)); kw.update(WHOLE[name](cols['x'])); name = 'expect_column_' + name
    elif kind < .87:
        t = cols['x'][0]
        cols['y'] = column(n, t if R.random() < .7 else None)
        name = 'expect_column_pair_values_' + pick(['to_be_equal', 'a_to_be_greater_than_b', 'to_be_in_set'])
        kw = {'column_A': 'x', 'column_B': 'y'}
        if R.random() < .6: kw['ignore_row_if'] = pick(['both_values_are_missing', 'either_value_is_missing', 'neither'])
        if name.endswith('in_set'): kw['value_pairs_set'] = [[value(cols['x']), value(cols['y'])] for _ in range(pick([0, 1, 2, 4]))]
        if name.endswith('than_b') and R.random() < .5: kw['or_equal'] = pick([True, False])
    elif kind < .97:
        t = cols['x'][0]
        for y in ['y', 'z'][:pick([1, 2])]: cols[y] = column(n, t if R.random() < .7 else None)
        name = pick(['expect_compound_columns_to_be_unique', 'expect_select_column_values_to_be_unique_within_record', 'expect_multicolumn_sum_to_equal', 'expect_multicolumn_values_to_be_equal'])
        kw = {'column_list': list(cols)}
        if R.random() < .5: kw['ignore_row_if'] = pick(['all_values_are_missing', 'any_value_is_missing', 'never'])
        if 'sum' in name: kw['sum_total'] = pick([0, 1, 3, 4.5])
    else:
        name = pick(['expect_table_row_count_to_equal', 'expect_table_row_count_to_be_between', 'expect_table_columns_to_match_set', 'expect_table_columns_to_match_ordered_list', 'expect_table_column_count_to_equal'])
        cols['y'] = column(n)
        kw = {'expect_table_row_count_to_equal': lambda: {'value': pick([n, 3])}, 'expect_table_row_count_to_be_between': lambda: bounds(lambda: R.randint(0, 20)), 'expect_table_column_count_to_equal': lambda: {'value': pick([2, 3])},
              'expect_table_columns_to_match_set': lambda: {'column_set': R.sample(['x', 'y', 'q'], 2), **({'exact_match': False} if R.random() < .5 else {})},
              'expect_table_columns_to_match_ordered_list': lambda: {'column_list': R.sample(['x', 'y', 'q'], 2)}}[name]()
    conditional = 'to_exist' not in name and 'type_to_be' not in name and 'table_column' not in name
    if conditional and R.random() < .3:
        cols['g'] = [pick(['string', 'string', 'dictionary<string>']), [pick(['a', 'b', None, 'c']) for _ in range(n)]]
        cols['w'] = [pick(['int64', 'int64', 'float64', 'int32']), [None if R.random() < .1 else j % 5 for j in range(n)]]
        kw.update(condition())
    if ('_values_to_' in name or '_lengths_' in name or 'z_scores' in name or 'pair' in name or 'multi' in name or 'compound' in name or 'select' in name) and 'distinct' not in name and 'unique_values' not in name and 'null_values' not in name and 'quantile' not in name and R.random() < .35:
        kw['mostly'] = pick([0, 0.0, .2, .5, 2 / 3, .9, 1, 1.0, .999])
    o = {'id': 'w%s_%d' % (sys.argv[1], i), 'type': name, 'kwargs': kw, 'cols': cols}
    if R.random() < .5: o['rf'] = result_format(list(cols))
    return o


for i in range(int(sys.argv[2])):
    print(json.dumps(case(i), ensure_ascii=False))

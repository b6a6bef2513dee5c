"""Writes cases.jsonl.gz: schemas, values and what jsonschema.validate of Great Expectations 1.24.1's environment says.

    python3.11 cases.py      (jsonschema 4.26.0)

Each line is [schema as text, values as texts, verdicts]: 1 valid, 0 not, null raised otherwise. verdicts is null where the schema is refused.
"""
import gzip, json, random, warnings
import jsonschema

warnings.simplefilter("ignore")
rnd = random.Random(20261126)
D = ["http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#", "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema", None, None]
VALUES = ["null", "true", "false", "0", "1", "1.0", "-1", "2", "3", "0.5", "0.3", "1e400", "NaN", "-0.0", "10", "1e20", "100000000000000000000", "9007199254740993", "9007199254740992.0", '""', '"a"', '"ab"', '"abc"', '"é"', '"😀"', '"\\ud800"', '"1"', '"2024-01-01"', '"a\\n"', "[]", "[1]", "[1,2]", "[1,1.0]", "[1,true]",
          "[[1],[true]]", '["a","a"]', '[{"a":1},{"a":1.0}]', "[null,0,false,\"\"]", "[1,\"a\",2.5,null]", "{}", '{"a":1}', '{"a":"x"}', '{"b":2}', '{"a":1,"b":2}', '{"a":1,"b":2,"c":3}', '{"aa":1,"ab":"x"}', '{"a":{"b":[1,{"c":2}]}}', '{"a":{"a":{"a":{}}}}', '{"":0}', '{"é":1}', '{"a":[1,2,3]}', '{"foo":1,"bar":[]}']
GIVEN = [True, False, {}, {"type": "foo"}, {"type": ["integer", "null"]}, {"type": []}, {"type": "any"}, {"minLength": -1}, {"minLength": 1.0}, {"maxLength": 2.5}, {"minLength": "1"}, {"required": []}, {"required": ["a", "a"]}, {"required": "a"}, {"properties": []}, {"enum": []}, {"enum": [1, 1]}, {"enum": 1},
         {"pattern": "["}, {"pattern": "(?P<n>a)"}, {"pattern": r"^\w+$"}, {"pattern": r"a$"}, {"pattern": r"(?<=a)b"}, {"pattern": r"\d"}, {"patternProperties": {"[": {}}}, {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": False}, {"multipleOf": 0}, {"multipleOf": 0.1}, {"multipleOf": 0.5}, {"multipleOf": 2}, {"multipleOf": 1e-8},
         {"multipleOf": 3}, {"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}, {"exclusiveMaximum": 1, "maximum": 2}, {"maximum": 9007199254740992}, {"minimum": 9007199254740993}, {"const": 1}, {"const": True}, {"const": None}, {"enum": [1, "a", None, [1], {"a": 1}]}, {"enum": [True]}, {"enum": [0]}, {"uniqueItems": True}, {"uniqueItems": False},
         {"items": {"type": "integer"}}, {"items": [{"type": "integer"}, {"type": "string"}]}, {"items": [{"type": "integer"}], "additionalItems": False}, {"additionalItems": False}, {"items": {}, "additionalItems": False}, {"items": True}, {"items": False}, {"items": [True, False]}, {"prefixItems": [{"type": "integer"}], "items": False}, {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
         {"contains": {"type": "integer"}}, {"contains": {"type": "integer"}, "minContains": 2}, {"contains": {"type": "integer"}, "minContains": 0}, {"contains": {"type": "integer"}, "maxContains": 1}, {"contains": False}, {"maxItems": 1}, {"minItems": 2}, {"minItems": 2.0}, {"maxProperties": 1}, {"minProperties": 2}, {"propertyNames": {"maxLength": 1}}, {"propertyNames": False},
         {"dependencies": {"a": ["b"]}}, {"dependencies": {"a": {"required": ["c"]}}}, {"dependentRequired": {"a": ["b"]}}, {"dependentSchemas": {"a": {"required": ["c"]}}}, {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"type": "array"}}, {"then": False}, {"allOf": [{"type": "integer"}, {"minimum": 1}]}, {"allOf": []}, {"anyOf": [{"type": "string"}, {"minimum": 1}]}, {"oneOf": [{"type": "integer"}, {"minimum": 1}]}, {"not": {"type": "object"}}, {"not": {}},
         {"$ref": "#"}, {"properties": {"a": {"$ref": "#"}}, "additionalProperties": False}, {"$ref": "#/definitions/x", "definitions": {"x": {"type": "integer"}}}, {"$ref": "#/definitions/y", "definitions": {}}, {"$ref": "#/definitions/x", "type": "string", "definitions": {"x": {"type": "integer"}}}, {"$defs": {"x/y~z": {"type": "integer"}}, "$ref": "#/$defs/x~1y~0z"}, {"$defs": {"é": {"type": "integer"}}, "$ref": "#/$defs/%C3%A9"},
         {"$defs": {"A": {"$anchor": "foo", "type": "integer"}}, "$ref": "#foo"}, {"$ref": "#nope"}, {"definitions": {"A": {"$id": "#foo", "type": "integer"}}, "$ref": "#foo"}, {"definitions": {"A": {"id": "#foo", "type": "integer"}}, "$ref": "#foo"}, {"$id": "http://x.y/root.json", "$defs": {"a": {"$id": "a.json", "type": "integer", "$defs": {"b": {"type": "string"}}}}, "properties": {"a": {"$ref": "a.json"}, "b": {"$ref": "http://x.y/a.json#/$defs/b"}, "c": {"$ref": "#/$defs/a"}}},
         {"$id": "http://x.y/root.json", "$ref": "http://x.y/root.json#/$defs/a", "$defs": {"a": {"type": "integer"}}}, {"$ref": "http://json-schema.org/draft-07/schema#"}, {"properties": {"a": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}}, {"properties": {"foo": {"$ref": "urn:nowhere"}}}, {"anyOf": [{"type": "object"}, {"$ref": "urn:nowhere"}]},
         {"$id": "http://x.y/tree", "$dynamicAnchor": "node", "type": "object", "properties": {"a": {"$dynamicRef": "#node"}}, "$defs": {"strict": {"$id": "strict", "$dynamicAnchor": "node", "$ref": "tree", "unevaluatedProperties": False}}}, {"$id": "http://x.y/strict", "$dynamicAnchor": "node", "$ref": "tree", "unevaluatedProperties": False, "$defs": {"tree": {"$id": "tree", "$dynamicAnchor": "node", "type": "object", "properties": {"a": {"$dynamicRef": "#node"}}}}},
         {"$recursiveAnchor": True, "properties": {"a": {"$recursiveRef": "#"}}, "additionalProperties": False}, {"unevaluatedProperties": False, "properties": {"a": {}}}, {"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}, {"patternProperties": {"^b": {}}}]}, {"unevaluatedProperties": {"type": "integer"}, "if": {"required": ["a"]}, "then": {"properties": {"b": {}}}}, {"unevaluatedItems": False, "prefixItems": [{}]}, {"unevaluatedItems": False, "contains": {"type": "string"}}, {"unevaluatedItems": False, "items": [{}]},
         {"format": "email"}, {"format": "date"}, {"format": "nope"}, {"contentEncoding": "base64"}, {"description": 1}, {"title": "x"}, {"default": 1, "examples": [1]}, {"$schema": "http://json-schema.org/draft-03/schema#x", "type": "integer"}, {"$schema": "https://nope", "type": "integer"}, {"$schema": "https://json-schema.org/draft-07/schema", "items": [{}]}, {"$schema": "http://json-schema.org/draft-07/schema", "type": "integer"}, {"$schema": "http://json-schema.org/schema#", "type": "integer"}, {"$comment": "x", "readOnly": True},
         {"type": "object", "properties": {"a": {"type": "integer", "minimum": 0}}, "additionalProperties": False}, {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"type": "array", "minItems": 1}, {"properties": {"a": True, "b": False}}, {"additionalProperties": {"type": "integer"}}, {"extends": {"type": "integer"}}, {"divisibleBy": 2}, {"id": 1}, {"$id": 1}, {"$id": "#"}, {"$defs": []}, {"definitions": {"a": 1}}, {"$ref": 1}, {"$anchor": "1"}]
TYPES = ["integer", "number", "string", "object", "array", "null", "boolean"]


def sub(d):
    return schema(d - 1) if d and rnd.random() < .9 else rnd.choice([True, False, {}])


def schema(d):
    s = {}
    for _ in range(rnd.randint(1, 3)):
        k = rnd.choice(["type", "type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "properties", "patternProperties",
                        "additionalProperties", "required", "minProperties", "maxProperties", "propertyNames", "dependencies", "dependentRequired", "dependentSchemas", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties", "$ref"])
        if k == "type":
            v = rnd.choice(TYPES) if rnd.random() < .8 else rnd.sample(TYPES, 2)
        elif k in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            v = rnd.choice([0, 1, 1.0, 2, 0.5, -1, 1e20])
        elif k == "multipleOf":
            v = rnd.choice([1, 2, 0.1, 0.5, 1.0])
        elif k in ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"):
            v = rnd.choice([0, 1, 2, 2.0, 3])
        elif k == "pattern":
            v = rnd.choice(["a", "^a", "a$", r"\w", r"^\d+$", "é"])
        elif k == "items":
            v = sub(d) if rnd.random() < .7 else [sub(d), sub(d)]
        elif k in ("prefixItems", "allOf", "anyOf", "oneOf"):
            v = [sub(d) for _ in range(rnd.randint(1, 3))]
        elif k == "uniqueItems":
            v = rnd.random() < .8
        elif k in ("properties", "dependentSchemas"):
            v = {n: sub(d) for n in rnd.sample(["a", "b", "c", "foo"], 2)}
        elif k == "patternProperties":
            v = {n: sub(d) for n in rnd.sample(["^a", "b", "^$", "o"], 2)}
        elif k == "required":
            v = rnd.sample(["a", "b", "foo"], rnd.randint(1, 2))
        elif k == "dependencies":
            v = {"a": rnd.choice([["b"], sub(d)])}
        elif k == "dependentRequired":
            v = {"a": ["b"]}
        elif k == "enum":
            v = [json.loads(x) for x in rnd.sample(VALUES[:16] + VALUES[17:], 4)]
        elif k == "const":
            v = json.loads(rnd.choice(VALUES[:16] + VALUES[17:]))
        elif k == "$ref":
            v = rnd.choice(["#/$defs/x", "#/definitions/x"])
        else:
            v = sub(d)
        s[k] = v
    return s


def verdict(s, text):
    try:
        jsonschema.validate(json.loads(text), s)
        return 1
    except jsonschema.ValidationError:
        return 0
    except jsonschema.SchemaError:
        raise
    except RecursionError:
        return None
    except Exception:
        return None


lines, refused, raised = [], 0, 0
todo = [(s, d, VALUES) for s in GIVEN for d in D[:6]] + [(schema(3), rnd.choice(D), rnd.sample(VALUES, 20)) for _ in range(2500)]
for s, d, values in todo:
    if isinstance(s, dict):
        s = dict(s)
        if d and "$schema" not in s:
            s["$schema"] = d
        if "$ref" in json.dumps(s) and "definitions" not in s and "$defs" not in s:
            s["$defs"] = s["definitions"] = {"x": {"type": ["integer", "object"]}}
    try:
        out = [verdict(s, v) for v in values]
    except jsonschema.SchemaError:
        out, values, refused = None, [], refused + 1
    raised += sum(v is None for v in out or [])
    lines.append(json.dumps([json.dumps(s), values, out]))
with gzip.GzipFile("cases.jsonl.gz", "wb", mtime=0) as f:
    f.write("\n".join(lines).encode())
print(len(lines), refused, "refused", raised, "raised")

package schema_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leathq/leat/pkg/gbnf"
	"github.com/leathq/leat/services/gateway/internal/schema"
)

func compile(doc string, strict bool) (string, error) {
	b := schema.New()
	p, err := b.Schema([]byte(doc), strict)
	if err != nil {
		return "", err
	}
	return b.Build(p)
}

func grammar(t testing.TB, doc string) *gbnf.Grammar {
	t.Helper()
	text, err := compile(doc, false)
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	g, err := gbnf.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v in\n%s", doc, err, text)
	}
	return g
}

// validator is another implementation of JSON Schema, which asserts formats as well.
func validator(t testing.TB, doc string) *jsonschema.Schema {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("s.json", parsed); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("s.json")
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return s
}

func validate(s *jsonschema.Schema, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// sample walks the grammar at random, and homewards once the text is long. Its second value is false where it was still on
// its way after many bytes.
func sample(r *rand.Rand, g *gbnf.Grammar) (string, bool) {
	var out []byte
	s := g.Start()
	for len(out) < 6000 {
		if s.CanEnd() && (!s.CanGoOn() || r.IntN(3) == 0) {
			return string(out), true
		}
		var may []byte
		for b := range 256 {
			if s.Accept(byte(b)).Alive() {
				may = append(may, byte(b))
			}
		}
		next := may[r.IntN(len(may))]
		if len(out) > 60 || r.IntN(4) == 0 {
			for _, home := range []byte(`"}]`) {
				if s.Accept(home).Alive() {
					next = home
					break
				}
			}
		}
		s = s.Accept(next)
		out = append(out, next)
	}
	return "", false
}

var tree = `{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"name":{"type":"string"},"left":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["name","left"],"additionalProperties":false}}}`

var cases = []struct {
	name, schema string
	yes, no      []string
}{
	{"string", `{"type":"string"}`, []string{`""`, `"é\n"`, `"\u00e9\ud7ff"`}, []string{`"\ud800"`, "\"\n\"", `1`, `"a`, `"a" `}},
	{"lengths", `{"type":"string","minLength":2,"maxLength":3}`, []string{`"ab"`, `"日本語"`, `"\n\""`}, []string{`"a"`, `"abcd"`}},
	{"long", `{"type":"string","maxLength":100000}`, []string{`""`, `"` + strings.Repeat("a", 8192) + `"`}, nil},
	{"integer", `{"type":"integer"}`, []string{`0`, `-1`, `120`}, []string{`1.5`, `01`, `-0`, `1e3`, `+1`}},
	{"number", `{"type":"number"}`, []string{`0`, `-0.5`, `1e10`, `2.50E-3`}, []string{`.5`, `5.`, `NaN`, `1e999`}},
	{"integers within", `{"type":"integer","minimum":-12,"maximum":105}`, []string{`-12`, `-1`, `0`, `9`, `10`, `99`, `100`, `105`}, []string{`-13`, `106`, `110`, `-20`, `1000`}},
	{"integers above", `{"type":"integer","exclusiveMinimum":0}`, []string{`1`, `999999999999999`}, []string{`0`, `-1`}},
	{"integers between fractions", `{"type":"integer","minimum":0.5,"maximum":2.5}`, []string{`1`, `2`}, []string{`0`, `3`}},
	{"integers below", `{"type":"integer","maximum":-99}`, []string{`-99`, `-100`, `-12345`}, []string{`-98`, `0`, `5`}},
	{"numbers within", `{"type":"number","minimum":0,"maximum":1}`, []string{`0`, `1`, `0.5`, `0.001`}, []string{`1.1`, `-0.1`, `2`, `1.0001`}},
	{"numbers around 0", `{"type":"number","minimum":-90,"maximum":90}`, []string{`-90`, `-89.9`, `-0.5`, `0.5`, `89.99`, `90`}, []string{`90.1`, `-90.1`, `91`}},
	{"numbers without the ends", `{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":10}`, []string{`0.1`, `9.9`, `5`}, []string{`0`, `10`, `0.0`, `10.1`}},
	{"boolean, null", `{"type":["boolean","null"]}`, []string{`true`, `false`, `null`}, []string{`0`, `"true"`}},
	{"enum", `{"enum":["a\"b",1,null,{"x":[1]}]}`, []string{`"a\"b"`, `1`, `null`, `{"x":[1]}`}, []string{`"a"`, `2`}},
	{"enum with a type", `{"type":"string","enum":["a","b",1]}`, []string{`"a"`}, []string{`1`}},
	{"const", `{"const":"x"}`, []string{`"x"`}, []string{`"y"`}},
	{"object", `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"}},"required":["a","b"]}`,
		[]string{`{"a":1,"b":true}`, `{"a": 1, "b": false}`}, []string{`{"b":true,"a":1}`, `{"a":1}`, `{}`, `{"a":1,"b":true,"c":1}`, `{"a":  1,"b":true}`}},
	{"optional", `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},"required":["b"],"additionalProperties":false}`,
		[]string{`{"b":1}`, `{"a":1,"b":1}`, `{"b":1,"c":1}`, `{"a":1,"b":1,"c":1}`}, []string{`{}`, `{"a":1}`, `{"a":1,"c":1}`, `{"b":1,"b":1}`, `{,"b":1}`}},
	{"all optional", `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}}}`,
		[]string{`{}`, `{"a":1}`, `{"b":1}`, `{"a":1,"b":2}`}, []string{`{"b":1,"a":1}`, `{"a":1,}`}},
	{"additional", `{"type":"object","properties":{"ab":{"type":"integer"},"abc":{"type":"integer"},"é\"":{"type":"integer"}},"additionalProperties":{"type":"boolean"}}`,
		[]string{`{}`, `{"ab":1,"x":true}`, `{"a":true,"abd":false,"":true}`, `{"abcd":true}`, `{"é":true}`}, []string{`{"ab":true}`, `{"x":1}`, `{"x":true,"ab":1}`, `{"\u0061b":true}`, `{"abc":true}`}},
	{"a map", `{"type":"object","additionalProperties":{"type":"integer"}}`, []string{`{}`, `{"x":1,"y":2}`}, []string{`{"x":"1"}`}},
	{"required and not described", `{"type":"object","properties":{"a":{"type":"integer"}},"required":["z"],"additionalProperties":{"type":"boolean"}}`,
		[]string{`{"z":true}`, `{"a":1,"z":true,"y":false}`}, []string{`{}`, `{"z":1}`, `{"a":1}`}},
	{"any object", `{"type":"object"}`, []string{`{}`, `{"a":[1,{"b":null}], "c":"x"}`}, []string{`[]`, `{"a"}`}},
	{"anything", `{}`, []string{`1`, `[{}]`, `"x"`}, []string{``, `x`}},
	{"array", `{"type":"array","items":{"type":"integer"}}`, []string{`[]`, `[1]`, `[1, 2,3]`}, []string{`["a"]`, `[1,]`, `[,1]`}},
	{"array bounds", `{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3}`, []string{`[1,2]`, `[1,2,3]`}, []string{`[]`, `[1]`, `[1,2,3,4]`}},
	{"one item", `{"type":"array","items":{"type":"integer"},"maxItems":1}`, []string{`[]`, `[1]`}, []string{`[1,2]`}},
	{"no item", `{"type":"array","items":{"type":"integer"},"maxItems":0}`, []string{`[]`}, []string{`[1]`}},
	{"tuple", `{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false,"minItems":1}`, []string{`[1]`, `[1,"a"]`}, []string{`[]`, `["a"]`, `[1,"a",2]`}},
	{"tuple and more", `{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"minItems":3,"maxItems":4}`,
		[]string{`[1,"a",null]`, `[1,"a",null,null]`}, []string{`[1,"a"]`, `[1,null,null]`, `[1,"a",null,null,null]`}},
	{"anyOf", `{"anyOf":[{"type":"integer"},{"type":"string"}]}`, []string{`1`, `"a"`}, []string{`null`}},
	{"anyOf beside properties", `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`,
		[]string{`{"a":1}`, `{"b":1}`, `{"a":1,"b":1}`}, []string{`{}`}},
	{"oneOf by type", `{"oneOf":[{"type":"integer"},{"type":"string"}]}`, []string{`1`, `"a"`}, []string{`null`}},
	{"oneOf by const", `{"oneOf":[{"const":1,"title":"one"},{"const":2}]}`, []string{`1`, `2`}, []string{`3`}},
	{"oneOf by kind", `{"oneOf":[{"type":"object","properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"]},{"type":"object","properties":{"kind":{"enum":["b","c"]}},"required":["kind"]}]}`,
		[]string{`{"kind":"a","x":1}`, `{"kind":"c"}`}, []string{`{"kind":"a"}`, `{"kind":"d"}`}},
	{"allOf", `{"allOf":[{"type":"object","properties":{"a":{"type":"integer","minimum":2}},"required":["a"]},{"properties":{"a":{"maximum":4,"type":"number"},"b":{"type":"null"}},"required":["b"]}]}`,
		[]string{`{"a":3,"b":null}`}, []string{`{"a":1,"b":null}`, `{"a":5,"b":null}`, `{"a":3}`, `{"a":2.5,"b":null}`}},
	{"allOf of one", `{"type":"object","properties":{"a":{"allOf":[{"$ref":"#/$defs/x"}],"description":"d"}},"required":["a"],"$defs":{"x":{"enum":["p","q"]}}}`,
		[]string{`{"a":"p"}`}, []string{`{"a":"r"}`}},
	{"reference", `{"type":"object","properties":{"a":{"$ref":"#/$defs/x~1y","description":"d"},"b":{"$ref":"#/properties/a"}},"required":["a","b"],"$defs":{"x/y":{"type":"boolean"}}}`,
		[]string{`{"a":true,"b":false}`}, []string{`{"a":1,"b":true}`}},
	{"reference and more", `{"$ref":"#/$defs/n","maximum":5,"$defs":{"n":{"type":"integer","minimum":2}}}`, []string{`2`, `5`}, []string{`1`, `6`}},
	{"recursion", tree, []string{`{"name":"a","left":null}`, `{"name":"a","left":{"name":"b","left":null}}`}, []string{`{"name":"a"}`, `{"name":"a","left":{}}`}},
	{"recursion to the root", `{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#"}}},"required":["kids"]}`, []string{`{"kids":[]}`, `{"kids":[{"kids":[]}]}`}, []string{`{"kids":[1]}`}},
	{"a branch without an end is left out", `{"anyOf":[{"type":"object","properties":{"x":{"$ref":"#"},"y":false},"required":["x","y"]},{"type":"null"}]}`, []string{`null`}, []string{`{}`}},
	{"pattern", `{"type":"string","pattern":"^[A-Z]{2}-\\d{3,4}(x|yz)?$"}`, []string{`"AB-123"`, `"AB-1234yz"`}, []string{`"AB-12"`, `"aB-123"`, `"AB-123y"`, `" AB-123"`}},
	{"pattern within", `{"type":"string","pattern":"cat"}`, []string{`"cat"`, `"a cat."`}, []string{`"ca"`}},
	{"pattern with escapes", `{"type":"string","pattern":"^[^a]\\\\\"\\s.\\S$"}`, []string{`"b\\\"\nxy"`, `"\"\\\" \"\\"`}, []string{`"a\\\"\nxy"`, `"b\\\"\n\ny"`, "\"b\\\\\\\" x\u00a0\""}},
	{"pattern alternatives", `{"type":"string","pattern":"^a$|^é+$"}`, []string{`"a"`, `"éé"`}, []string{`"b"`, `"aé"`}},
	{"date", `{"type":"string","format":"date"}`, []string{`"2026-11-30"`, `"2024-02-28"`}, []string{`"2026-11-31"`, `"2026-02-30"`, `"2026-13-01"`, `"x"`}},
	{"date-time", `{"type":"string","format":"date-time"}`, []string{`"2026-11-30T23:59:59Z"`, `"2026-11-30T23:59:59.5+02:00"`}, []string{`"2026-11-30"`, `"2026-11-30T24:00:00Z"`}},
	{"time", `{"type":"string","format":"time"}`, []string{`"23:59:59Z"`}, []string{`"23:60:00Z"`}},
	{"duration", `{"type":"string","format":"duration"}`, []string{`"P3D"`, `"PT5M"`, `"P1DT2H"`, `"P2W"`}, []string{`"P"`, `"3D"`}},
	{"uuid", `{"type":"string","format":"uuid"}`, []string{`"0123abcd-0123-0123-0123-0123456789ab"`}, []string{`"0123"`}},
	{"email", `{"type":"string","format":"email"}`, []string{`"a.b+c@example.com"`}, []string{`"a@b"`, `"@x.com"`}},
	{"hostname", `{"type":"string","format":"hostname"}`, []string{`"a-b.example.com"`}, []string{`"-a.com"`, `"a..b"`}},
	{"ipv4", `{"type":"string","format":"ipv4"}`, []string{`"0.10.200.255"`}, []string{`"256.0.0.1"`, `"1.2.3"`, `"01.2.3.4"`}},
	{"ipv6", `{"type":"string","format":"ipv6"}`, []string{`"2001:db8:0:0:0:0:0:1"`}, []string{`"2001:db8"`}},
	{"uri", `{"type":"string","format":"uri"}`, []string{`"https://example.com/a?b=c#d"`}, []string{`"example.com"`, `"ftp://x.com"`}},
	{"type told by keywords", `{"properties":{"a":{"items":{"minLength":1}}},"required":["a"]}`, []string{`{"a":["x"]}`}, []string{`{"a":"x"}`, `{"a":[""]}`}},
	{"annotations", `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://x/y","title":"t","description":"d","default":1,"examples":[1],"type":"integer","x-note":1}`, []string{`1`}, []string{`"1"`}},
}

// What a grammar matches is what the table says, and whatever it matches is valid by another implementation's word.
func TestGrammars(t *testing.T) {
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			g, v := grammar(t, tc.schema), validator(t, tc.schema)
			for _, text := range tc.yes {
				if !g.Match(text) {
					t.Errorf("%s is not matched", text)
				}
				if err := validate(v, text); err != nil {
					t.Errorf("%s is not valid: %v", text, err)
				}
			}
			for _, text := range tc.no {
				if g.Match(text) {
					t.Errorf("%s is matched", text)
				}
			}
			r := rand.New(rand.NewPCG(1, 2))
			done := 0
			for range 40 {
				text, ok := sample(r, g)
				if !ok {
					continue
				}
				done++
				if !json.Valid([]byte(text)) {
					t.Fatalf("%s is not JSON", text)
				}
				if err := validate(v, text); err != nil {
					t.Fatalf("%s is not valid: %v", text, err)
				}
			}
			if done < 10 && tc.name != "pattern within" { // a walk at random never comes by a word
				t.Errorf("only %d of 40 walks ended", done)
			}
		})
	}
}

// ECMA-262 spells characters in a way that Go's regular expressions do not know.
func TestUnicodeEscapes(t *testing.T) {
	if g := grammar(t, `{"type":"string","pattern":"^\\u00e9+$"}`); !g.Match(`"éé"`) || g.Match(`"e"`) {
		t.Error("\\u00e9 is not é")
	}
}

// lengths are properties whose strings have long and different bounds.
func lengths(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf(`"p%d":{"type":"string","maxLength":%d}`, i, 8000+i))
	}
	return strings.Join(out, ",")
}

// What cannot be enforced is refused, with the keyword and where it stands.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct{ schema, want string }{
		{`{"type":"object","properties":{"a":{"not":{}}}}`, "In context=('properties', 'a'), 'not' is not supported."},
		{`{"if":{}}`, "In context=(), 'if' is not supported."},
		{`{"type":"object","patternProperties":{}}`, "'patternProperties' is not supported."},
		{`{"type":"object","minProperties":1}`, "'minProperties' is not supported."},
		{`{"type":"array","items":[{}]}`, "Use prefixItems"},
		{`{"type":"array","items":{"type":"string","colour":1}}`, "In context=('items',), 'colour' is not supported."},
		{`{"type":"array","uniqueItems":true}`, "'uniqueItems' is not supported."},
		{`{"type":"array","contains":{}}`, "'contains' is not supported."},
		{`{"type":"array","minItems":3,"maxItems":2}`, "'minItems' is above 'maxItems'"},
		{`{"type":"string","pattern":"(?=a)"}`, "'pattern' (?=a) is not supported"},
		{`{"type":"string","pattern":"a^b"}`, "only at the ends"},
		{`{"type":"string","pattern":"\\bword"}`, "'pattern'"},
		{`{"type":"string","pattern":"(?i)a"}`, "the flag i"},
		{`{"type":"string","format":"iri"}`, "'format' \"iri\" is not supported. There are date,"},
		{`{"type":"string","pattern":"a","minLength":1}`, "'pattern' together with minLength"},
		{`{"type":"string","minLength":9000}`, "'minLength' is above 8192"},
		{`{"type":"string","minLength":-1}`, "must be a whole number"},
		{`{"type":"number","minimum":0.5}`, "must be a whole number; 0.5"},
		{`{"type":"number","multipleOf":0.01}`, "'multipleOf' is not supported."},
		{`{"type":"integer","minimum":3,"maximum":2}`, "no value can match"},
		{`{"type":"integer","minLength":3}`, "'minLength' does not go with the type integer"},
		{`{"type":"int"}`, `'type' is "int"`},
		{`{"type":[]}`, "'type' must be"},
		{`{"enum":[]}`, "'enum' must be a list"},
		{`{"enum":["a"],"minLength":1}`, "'minLength' beside 'enum'"},
		{`{"type":"string","const":1}`, "no value of 'const' has the type string"},
		{`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "schema 0 and schema 1"},
		{`{"oneOf":[{"type":"object","properties":{"k":{"const":1}}},{"type":"object","properties":{"k":{"const":2}}}]}`, "schema 0 and schema 1"},
		{`{"allOf":[{"type":"string"},{"type":"integer"}]}`, "no value has both the type string and the type integer"},
		{`{"allOf":[{"pattern":"a"},{"pattern":"b"}]}`, "'pattern' of two schemas"},
		{`{"allOf":[{"type":"object","properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}]}`, "'additionalProperties' of one schema"},
		{`{"$ref":"https://example.com/x"}`, "Refer to a place in the same schema"},
		{`{"$ref":"#/$defs/x"}`, "leads nowhere"},
		{`{"$ref":"#"}`, "leads back to itself"},
		{`{"anyOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"type":"object","properties":{"x":{"$ref":"#/$defs/b"}}},{"$ref":"#/$defs/b"}]},"b":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/a"}]}}}`, "leads back to itself"},
		{`{"$ref":"#/$defs/a","description":"d","maximum":1,"$defs":{"a":{"$ref":"#/$defs/a","minimum":1}}}`, "'$ref'"},
		{`{"type":"object","properties":{"x":{"$ref":"#"}},"required":["x"]}`, "no value can match"},
		{`{"type":"object","properties":{"x":false},"required":["x"]}`, "no value can match"},
		{`{"type":"object","properties":{` + lengths(30) + `}}`, "makes a grammar of more than"},
		{`{"a":` + strings.Repeat(`{"a":`, 80) + `1` + strings.Repeat(`}`, 80) + `}`, "nested deeper than 64"},
		{`{"type":"string"`, "it is not read"},
		{`{"type":"object","properties":{"a":1}}`, "a schema must be an object or a boolean, not 1"},
		{`{"type":"object","properties":[]}`, "'properties' must be an object"},
		{`{"type":"object","required":"a"}`, "'required' must be a list"},
	} {
		if _, err := compile(tc.schema, false); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.200s: got %v, want %q", tc.schema, err, tc.want)
		}
	}
}

// Strict mode has OpenAI's rules and OpenAI's words for them.
func TestStrict(t *testing.T) {
	for _, tc := range []struct{ schema, want string }{
		{`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`, ""},
		{tree, ""},
		{`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, "In context=(), 'additionalProperties' is required to be supplied and to be false."},
		{`{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"null"},"c":{"type":"null"}},"required":["b"],"additionalProperties":false}},"required":["a"],"additionalProperties":false}`,
			"In context=('properties', 'a'), 'required' is required to be supplied and to be an array including every key in properties. Missing 'c'."},
		{`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{}}}},"required":["a"],"additionalProperties":false}`,
			"In context=('properties', 'a', 'items'), 'additionalProperties' is required"},
		{`{"type":"object","properties":{"a":{"anyOf":[{"type":"null"},{"type":["object","null"]}]}},"required":["a"],"additionalProperties":false}`,
			"In context=('properties', 'a', 'anyOf', '1'), 'additionalProperties' is required"},
		{`{"type":"array","items":{}}`, `schema must be a JSON Schema of 'type: "object"', got 'type: "array"'.`},
		{`{}`, `got 'type: None'.`},
	} {
		_, err := compile(tc.schema, true)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: got %v, want %q", tc.schema, err, tc.want)
		}
	}
}

// Whatever is sent as a schema is compiled to a grammar that can be read, or refused; and what the grammar matches is valid.
func FuzzSchema(f *testing.F) {
	for _, tc := range cases {
		f.Add([]byte(tc.schema))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		text, err := compile(string(doc), false)
		if err != nil {
			return
		}
		g, err := gbnf.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", doc, err, text)
		}
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(doc)))
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		c := jsonschema.NewCompiler()
		if c.AddResource("s.json", parsed) != nil {
			return
		}
		v, err := c.Compile("s.json")
		if err != nil {
			return // it knows more than is looked at here: what annotations must be, for example
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 3 {
			if text, ok := sample(r, g); ok {
				if err := validate(v, text); err != nil {
					t.Fatalf("%s allows %s: %v", doc, text, err)
				}
			}
		}
	})
}

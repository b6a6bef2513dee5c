package gx_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
)

func text(s string) *string { return &s }

// documents are a few texts, one of them missing; g tells the first four from the rest.
func documents() *arrowio.Batch {
	return arrowio.BatchOf(
		arrowio.Of("t", []*string{
			text("The train to the coast leaves at seven, and we still have not bought our tickets."),
			text("Der Zug an die Küste fährt um sieben Uhr ab, und wir haben noch keine Fahrkarten."),
			text("Write to anna@example-mail.org, or call +49 30 901820."), nil,
			text("the train to the coast leaves at seven and we still have NOT bought our tickets"),
			text("cafÃ© in der Straße"), text("bell\x07 and \uFFFD"), text("one line\none line\none line"), text("bell\x07 and \uFFFD"),
		}),
		arrowio.Of("g", []int64{1, 1, 1, 1, 2, 2, 2, 2, 2}))
}

func hold(t *testing.T, b *arrowio.Batch, kind, kwargs string, o gx.Options) (*gx.Plan, *gx.Rows, *gx.SuiteResult) {
	t.Helper()
	s, err := gx.ParseSuite(fmt.Appendf(nil, `{"expectations":[{"type":%q,"kwargs":%s}]}`, kind, kwargs))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := gx.Compile(s, b.Schema(), o)
	if err != nil {
		t.Fatal(err)
	}
	st := plan.NewState()
	rows, err := st.Add(b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := plan.Result(st)
	if err != nil {
		t.Fatal(err)
	}
	return plan, rows, r
}

// textCases are expectations about documents: the rows that fail, or the number that is observed.
var textCases = []struct {
	kind, kwargs string
	success      bool
	rows         string // numbers of failing rows
	observed     string
}{
	{"language_to_be_in_set", `{"column":"t","language_set":["en","de"],"row_condition":"g == 1","condition_parser":"pandas"}`, true, "", ""},
	{"language_to_be_in_set", `{"column":"t","language_set":["de"],"row_condition":"g == 1","condition_parser":"pandas"}`, false, "0 2", ""},
	{"language_to_be_in_set", `{"column":"t","language_set":["de"],"mostly":0.1,"min_confidence":0.1,"row_condition":"g == 1","condition_parser":"pandas"}`, true, "0 2", ""},
	{"token_count_to_be_between", `{"column":"t","min_value":6,"max_value":30}`, false, "6 8", ""},
	{"token_count_to_be_between", `{"column":"t","min_value":2,"strict_min":true,"tokenizer":"words"}`, false, "6 8", ""},
	{"token_count_to_be_between", `{"column":"t","max_value":8,"mostly":0.5,"tokenizer":"words"}`, true, "0 1 2 4", ""},
	{"control_characters_to_be_absent", `{"column":"t"}`, false, "6 8", ""},
	{"replacement_characters_to_be_absent", `{"column":"t","mostly":0.7}`, true, "6 8", ""},
	{"mojibake_to_be_absent", `{"column":"t"}`, false, "5", ""},
	{"pii_to_be_absent", `{"column":"t"}`, false, "2", ""},
	{"pii_to_be_absent", `{"column":"t","kinds":["card","iban"]}`, true, "", ""},
	{"repetition_to_be_less_than", `{"column":"t","threshold":0.5,"of":"lines"}`, false, "7", ""},
	{"repetition_to_be_less_than", `{"column":"t","threshold":0.5,"n":2}`, false, "7", ""},
	{"repetition_to_be_less_than", `{"column":"t","threshold":0.9}`, true, "", ""},
	{"pii_rate_to_be_between", `{"column":"t","max_value":0.1}`, false, "", `{"observed_value":0.125,"details":{"texts":8,"texts_with_pii":1}}`},
	{"pii_rate_to_be_between", `{"column":"t","max_value":0.1,"kinds":["phone"],"row_condition":"g == 2","condition_parser":"pandas"}`, true, "", `{"observed_value":0.0,"details":{"texts":5,"texts_with_pii":0}}`},
	{"duplicate_rate_to_be_between", `{"column":"t","max_value":0.13}`, true, "", `{"observed_value":0.125,"details":{"texts":8,"different_texts":7}}`},
	{"duplicate_rate_to_be_between", `{"column":"t","max_value":0.13,"equal_if":"same_words"}`, false, "", `{"observed_value":0.25,"details":{"texts":8,"different_texts":6}}`},
	{"mean_token_count_to_be_between", `{"column":"t","min_value":3,"max_value":9,"tokenizer":"words","row_condition":"g == 2","condition_parser":"pandas"}`, true, "", `{"observed_value":6.0}`},
	{"pii_rate_to_be_between", `{"column":"t","max_value":1,"row_condition":"g == 3","condition_parser":"pandas"}`, false, "", `{"observed_value":null}`},
}

// Each expectation about texts tells the rows that fail and lists their texts, or the share that it observes.
func TestTextExpectations(t *testing.T) {
	complete := gx.Options{Format: gx.ResultFormat{Level: gx.Complete, Partial: -1}}
	for i, c := range textCases {
		t.Run(fmt.Sprint(i, c.kind), func(t *testing.T) {
			_, rows, r := hold(t, documents(), "expect_column_text_"+c.kind, c.kwargs, complete)
			one := r.Results[0]
			if one.Refusal != "" || one.Exception != "" || *one.Success != c.success {
				t.Fatalf("%s: success %v, want %t; %s%s", c.kwargs, *one.Success, c.success, one.Refusal, one.Exception)
			}
			if c.observed != "" {
				if got, _ := json.Marshal(one.Result); string(got) != c.observed {
					t.Fatalf("%s, want %s", got, c.observed)
				}
				return
			}
			listed, _ := one.Result.Get("unexpected_index_list")
			if got := strings.Trim(fmt.Sprint(listed), "[]"); got != c.rows || failing(rows, 9) != c.rows {
				t.Fatalf("rows %s are listed and %s given, want %s", got, failing(rows, 9), c.rows)
			}
			if values, _ := one.Result.Get("unexpected_list"); len(values.([]any)) != len(strings.Fields(c.rows)) {
				t.Errorf("the texts %v for the rows %s", values, c.rows)
			}
		})
	}
}

func failing(rows *gx.Rows, n int) string {
	var out []string
	for i := range n {
		if rows != nil && len(rows.Failed) > 0 && rows.Failed[0].Rows.Get(i) {
			out = append(out, fmt.Sprint(i))
		}
	}
	return strings.Join(out, " ")
}

// A kwarg that is wrong is refused by its name, and a column of no texts fails with what to do.
func TestTextExpectationsRefuse(t *testing.T) {
	for _, c := range []struct{ kind, kwargs, why string }{
		{"language_to_be_in_set", `{"column":"t","language_set":["english"]}`, `language_set: "english"`},
		{"language_to_be_in_set", `{"column":"t","language_set":[]}`, "language_set must not be empty"},
		{"language_to_be_in_set", `{"column":"t","language_set":["en"],"min_confidence":2}`, "min_confidence"},
		{"token_count_to_be_between", `{"column":"t"}`, "min_value and max_value"},
		{"token_count_to_be_between", `{"column":"t","min_value":1,"tokenizer":"gpt-9"}`, "tokenizer"},
		{"pii_to_be_absent", `{"column":"t","kinds":["email","ssn"]}`, `kinds: "ssn"`},
		{"pii_rate_to_be_between", `{"column":"t","max_value":3}`, "max_value"},
		{"repetition_to_be_less_than", `{"column":"t","threshold":0.1,"of":"lines","n":3}`, "n: "},
		{"repetition_to_be_less_than", `{"column":"t","threshold":0.1,"n":0}`, "n: 0"},
		{"duplicate_rate_to_be_between", `{"column":"t","max_value":1,"maximum":1}`, "maximum: extra"},
		{"control_characters_to_be_absent", `{"column":"g"}`, "holds no texts"},
		{"duplicate_rate_to_be_between", `{"column":"nosuch","max_value":1}`, "nosuch"},
	} {
		_, _, r := hold(t, documents(), "expect_column_text_"+c.kind, c.kwargs, gx.Options{})
		if one := r.Results[0]; r.Success || !strings.Contains(one.Refusal+one.Exception, c.why) {
			t.Errorf("%s %s: %q%q does not name %q", c.kind, c.kwargs, one.Refusal, one.Exception, c.why)
		}
	}
}

// The result is the same bytes however the texts are cut into batches and parts.
func TestTextExpectationsDoNotDependOnCuts(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range textCases {
		plan, _, _ := hold(t, documents(), "expect_column_text_"+c.kind, c.kwargs, gx.Options{Format: gx.ResultFormat{Level: gx.Summary, Partial: -1}})
		whole := plan.NewState()
		if _, err := whole.Add(documents()); err != nil {
			t.Fatal(err)
		}
		want := resultBytes(t, plan, whole)
		for range 4 {
			if got := resultBytes(t, plan, pieces(t, rng, plan, documents())); !bytes.Equal(got, want) {
				t.Errorf("%s %s in pieces:\n%s\nwhole:\n%s", c.kind, c.kwargs, got, want)
			}
		}
	}
}

// A column of categories is judged as its texts are.
func TestTextExpectationsOnCategories(t *testing.T) {
	plain := documents()
	schema := &arrowio.Schema{Fields: []arrowio.Field{
		{Name: "t", Type: typeNamed(t, "dictionary<string>"), Nullable: true}, plain.Schema().Fields[1]}}
	b := arrowio.NewBuilder(schema)
	for i := range plain.Rows() {
		for c := range 2 {
			if err := b.Column(c).Value(plain.Column(c).Value(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	categories := b.Batch()
	for _, c := range textCases {
		_, rows, r := hold(t, plain, "expect_column_text_"+c.kind, c.kwargs, gx.Options{})
		_, same, s := hold(t, categories, "expect_column_text_"+c.kind, c.kwargs, gx.Options{})
		if r.Success != s.Success || failing(rows, 9) != failing(same, 9) || s.Results[0].Exception != "" {
			t.Errorf("%s %s: categories %t and rows %s, texts %t and rows %s; %s", c.kind, c.kwargs, s.Success, failing(same, 9), r.Success, failing(rows, 9), s.Results[0].Exception)
		}
	}
}

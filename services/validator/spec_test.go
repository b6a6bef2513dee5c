package validator_test

import (
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator"
)

// A spec that cannot be done is refused by the field's name.
func TestASpecIsRefusedByTheFieldThatIsWrong(t *testing.T) {
	for spec, says := range map[string]string{
		`{"max_quarantin": 1}`:        `"max_quarantin"`,
		`{"max_quarantine": -1}`:      "max_quarantine: -1 is neither",
		`{"max_quarantine": "2"}`:     `max_quarantine: "2" is neither`,
		`{"max_quarantine": "NaN%"}`:  "max_quarantine",
		`{"max_quarantine": "101%"}`:  "max_quarantine",
		`{"max_quarantine": 1.5}`:     "max_quarantine",
		`{"max_quarantine": [1]}`:     "max_quarantine",
		`{"redact": "some"}`:          `redact: "some" is none of pii, all and none`,
		`{"suite": 1}`:                "suite",
		`{"fail_fast": "yes"}`:        "fail_fast",
		`{"sql": "yes"}`:              "sql",
		`{"tables": {"orders": "x"}}`: "tables: the tables are no JSON object",
		`{"tables": [1200]}`:          "tables",
		`{"gates": {"min": 1}}`:       `"min"`,
		`{"gates": {"volume": true}}`: "gates.volume",
		`{} {}`:                       "behind the JSON object",
		`[]`:                          "mapping",
	} {
		if err := validator.CheckSpec([]byte(spec)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", spec, err, says)
		}
	}
	for _, spec := range []string{``, `{}`, `{"max_quarantine": 0, "redact": "all"}`, `{"max_quarantine": "0.5 %"}`, `{"sql": true, "tables": {"orders": 1200}}`, `{"gates": {"schema": "off", "volume": {"off": true}}}`} {
		if err := validator.CheckSpec([]byte(spec)); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func FuzzSpec(f *testing.F) {
	f.Add([]byte(`{"suite": {"name": "s", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "a"}}]}, "parameters": {"a": 1}, "result_format": "BASIC", "max_quarantine": "2%"}`))
	f.Add([]byte(`{"gates": {"freshness": {"column": "a", "max_age": "1h"}, "drift": {"reference": "d@1"}, "nulls": {"warn": 1, "fail": 2}}, "fail_fast": true}`))
	f.Fuzz(func(_ *testing.T, data []byte) { _ = validator.CheckSpec(data) })
}

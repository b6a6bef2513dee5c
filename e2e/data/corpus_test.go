package data_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// suite has checks of rows and one of all rows.
const suite = `{"name": "events", "expectations": [
	{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}},
	{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}},
	{"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "min_value": 0, "max_value": 100000, "mostly": 0.9}},
	{"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "country", "value_set": ["DE", "FR", "PT", "SE", "JP"]}},
	{"type": "expect_column_values_to_match_regex", "kwargs": {"column": "name", "regex": "^user-[0-9]+$"}},
	{"type": "expect_column_value_lengths_to_be_between", "kwargs": {"column": "text", "min_value": 1, "max_value": 5000}},
	{"type": "expect_column_mean_to_be_between", "kwargs": {"column": "amount", "min_value": 0, "max_value": 100000}},
	{"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}
]}`

// fate is what becomes of record n of the corpus: refused, quarantined or valid.
func fate(n int) string {
	switch {
	case n%997 == 7:
		return "refused"
	case n%101 == 3:
		return "quarantined"
	}
	return "valid"
}

var countries = []string{"DE", "FR", "PT", "SE", "JP"}

var words = strings.Fields("the of river stone quietly under seven lamps a train leaves for the coast and nobody counts its windows twice before morning comes to town")

// text is made of words, the same for the same number.
func text(n int) string {
	var b strings.Builder
	for i := range 20 + n%60 {
		b.WriteString(words[(n*31+i*i*7+i)%len(words)])
		b.WriteByte(' ')
	}
	return b.String()
}

// lines writes records of the corpus as JSON lines, in a number of files.
func lines(t *testing.T, dir string, files, each int) {
	t.Helper()
	for f := range files {
		out, err := os.Create(filepath.Join(dir, fmt.Sprintf("part-%03d.jsonl", f)))
		if err != nil {
			t.Fatal(err)
		}
		w := bufio.NewWriter(out)
		for i := range each {
			line(w, f*each+i)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func line(w *bufio.Writer, n int) {
	amount := n * 7 % 100000
	switch fate(n) {
	case "refused":
		fmt.Fprintf(w, "{\"id\": %d, \"name\": oops\n", n)
		return
	case "quarantined":
		amount = -1
	}
	fmt.Fprintf(w, "{\"id\": %d, \"name\": \"user-%d\", \"amount\": %d, \"country\": %q, \"text\": %q}\n", n, n%5000, amount, countries[n%len(countries)], text(n))
}

// reading is a run over all files of the input, through the suite.
func reading(id, source string) *datav1.Run {
	spec, err := json.Marshal(map[string]json.RawMessage{"suite": json.RawMessage(suite)})
	if err != nil {
		panic(err)
	}
	return &datav1.Run{Id: id, Name: id, Stages: []*datav1.Stage{
		{Name: "read", Kind: "ingest", Spec: []byte(source)},
		{Name: "validate", Kind: "validate", From: "read", Spec: spec},
	}, Target: &datav1.Target{Dataset: "events"}, Limits: &datav1.Limits{MaxBadShare: proto.Float64(.5)}}
}

package datacmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/cmd/leat/internal/datacmd"
)

// folder is a directory of files with what stands in them.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func suiteOf(expectations string) string {
	return `{"name": "s", "expectations": [` + expectations + `]}`
}

const (
	notNull = `{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}`
	small   = `{"type": "expect_column_values_to_be_between", "kwargs": {"column": "a", "max_value": {"$PARAMETER": "top"}}}`
	typo    = `{"type": "expect_column_values_to_not_be_nul", "kwargs": {"column": "a"}}`
)

func TestValidateTellsByItsExitCode(t *testing.T) {
	dir := folder(t, map[string]string{
		"good.jsonl": `{"a": 1}` + "\n" + `{"a": 2}` + "\n", "null.jsonl": `{"a": 1}` + "\n" + `{"a": null}` + "\n", "torn.jsonl": `{"a": 1}` + "\n{oops\n",
		"semi.csv": "a;b\n1;x\n", "empty.csv": "", "raw/one.txt": "hello", "raw/two.txt": "world", "cut.parquet": "PAR1 and no more",
		"good.json": suiteOf(notNull), "small.json": suiteOf(small), "typo.json": suiteOf(typo), "both.json": suiteOf(notNull + "," + typo), "no.json": "{", "p.json": `{"top": 1}`,
		"text.json": suiteOf(`{"type": "expect_column_value_lengths_to_equal", "kwargs": {"column": "text", "value": 5}}`),
	})
	for _, tc := range []struct {
		line string
		code int
		says string
	}{
		{"good.jsonl --suite good.json", 0, ""},
		{"*.jsonl --suite good.json", 1, "not valid: 1 of 1 expectations do not hold"},
		{"null.jsonl --suite good.json", 1, "not valid: 1 of 1"},
		{"torn.jsonl --suite good.json", 1, "torn.jsonl:2: not JSON at byte 2"},
		{"torn.jsonl --suite good.json --allow-refused", 0, "1 records could not be read as rows"},
		{"good.jsonl --suite small.json --parameters {\"top\":2}", 0, ""},
		{"good.jsonl --suite small.json --parameters @DIR/p.json", 1, "not valid"},
		{"good.jsonl --suite small.json --parameters 7", 2, "no JSON object"},
		{"good.jsonl --suite small.json", 2, "could not tell: 1 of 1"},
		{"good.jsonl --suite typo.json", 2, "could not tell: 1 of 1"},
		{"null.jsonl --suite both.json", 1, "not valid: 1 of 2"},
		{"semi.csv --source delimiter=; --suite good.json", 0, ""},
		{"semi.csv --source delimeter=; --suite good.json", 2, "delimeter"},
		{"raw --suite text.json", 0, ""},
		{"empty.csv --suite good.json", 2, "empty.csv"},
		{"cut.parquet --suite good.json", 2, "cut.parquet"},
		{"gone.parquet --suite good.json", 2, "gone.parquet"},
		{"good.jsonl --suite no.json", 2, "no.json"},
		{"good.jsonl --suite gone.json", 2, "gone.json"},
		{"good.jsonl", 2, "--suite is missing"},
		{"--suite good.json", 2, "which files"},
		{"good.jsonl --suite good.json --format yaml", 2, "text, json"},
		{"good.jsonl --suite good.json --result-format ALL", 2, "ALL"},
		{"good.jsonl --suite good.json --output DIR/gone/x", 2, "gone"},
		{"good.json --type xml --suite good.json", 2, "xml"},
	} {
		args := []string{"validate"}
		for _, w := range strings.Fields(strings.ReplaceAll(tc.line, "DIR", dir)) {
			if strings.Contains(w, ".") && !strings.HasPrefix(w, "@") && !filepath.IsAbs(w) || w == "raw" {
				w = filepath.Join(dir, w)
			}
			args = append(args, w)
		}
		var out, errOut bytes.Buffer
		err := datacmd.Main(t.Context(), args, environ(t), &out, &errOut)
		if said := errOut.String() + fmt.Sprint(err); host.ExitCode(err) != tc.code || !strings.Contains(said, tc.says) {
			t.Errorf("leat data validate %s: exit code %d, want %d and %q: %s\n%s", tc.line, host.ExitCode(err), tc.code, tc.says, said, out.String())
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// However many files there are, and however many cores read them, the result is the same bytes.
func TestValidateGivesTheSameBytesForOneFileAndForMany(t *testing.T) {
	files := map[string]string{"s.json": suiteOf(`{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "a"}}, ` +
		`{"type": "expect_column_mean_to_be_between", "kwargs": {"column": "a", "min_value": 1}}, {"type": "expect_column_quantile_values_to_be_between", "kwargs": ` +
		`{"column": "a", "quantile_ranges": {"quantiles": [0.1, 0.5], "value_ranges": [[0, 9], [0, 9]]}}}`)}
	var whole strings.Builder
	for i := range 40 {
		var part strings.Builder
		for j := range 50 {
			fmt.Fprintf(&part, "{\"a\": %d.%d}\n", (i*50+j)*7919%1501, i)
		}
		files[fmt.Sprintf("many/%02d.jsonl", i)] = part.String()
		whole.WriteString(part.String())
	}
	files["one.jsonl"] = whole.String()
	dir := folder(t, files)
	results := map[string]string{}
	for _, name := range []string{"one.jsonl", "many"} {
		target := filepath.Join(dir, name+".result")
		var out bytes.Buffer
		err := datacmd.Main(t.Context(), []string{"validate", filepath.Join(dir, name), "--suite", filepath.Join(dir, "s.json"), "--format", "json", "--output", target}, environ(t), &out, &out)
		if host.ExitCode(err) != 1 {
			t.Fatal(err, out.String())
		}
		data, err := os.ReadFile(target)
		if err != nil || !json.Valid(data) {
			t.Fatal(err, string(data))
		}
		results[name] = string(data)
	}
	if results["one.jsonl"] != results["many"] {
		t.Errorf("one file:\n%s\nmany:\n%s", results["one.jsonl"], results["many"])
	}
}

// A page tells what the text tells, draws the columns, and shows no addresses unless that is asked for.
func TestValidateWritesAPage(t *testing.T) {
	dir := folder(t, map[string]string{"a.jsonl": `{"a": 1, "mail": "ann@example.com"}` + "\n" + `{"a": null, "mail": "bob@example.com"}` + "\n{torn carol@example.com\n",
		"s.json": suiteOf(notNull + `, {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "mail", "value_set": ["x"]}}`)})
	for redact, shows := range map[string]bool{"pii": false, "all": false, "none": true} {
		var out, errOut bytes.Buffer
		err := datacmd.Main(t.Context(), []string{"validate", filepath.Join(dir, "a.jsonl"), "--suite", filepath.Join(dir, "s.json"), "--format", "html", "--redact", redact}, environ(t), &out, &errOut)
		if host.ExitCode(err) != 1 {
			t.Fatalf("redact %s: %v", redact, err)
		}
		page := out.String()
		for _, part := range []string{"a.jsonl: not valid</title>", "0 of 2", "50.0 % missing", "Some records that are no rows", "a.jsonl:3"} {
			if !strings.Contains(page, part) {
				t.Errorf("redact %s: the page does not say %q", redact, part)
			}
		}
		for _, who := range []string{"ann@example.com", "carol@example.com"} {
			if strings.Contains(page, who) != shows {
				t.Errorf("redact %s: whether the page shows %s is not %v", redact, who, shows)
			}
		}
	}
}

// What profile suggests, validate takes, of one file as of many, and with the same bytes.
func TestProfileSuggestsWhatValidateTakes(t *testing.T) {
	files := map[string]string{}
	var whole strings.Builder
	for i := range 20 {
		var part strings.Builder
		for j := range 30 {
			fmt.Fprintf(&part, `{"id": %d, "kind": "k%d", "x": %d.5, "gone": null}`+"\n", i*30+j, j%3, i*j%71)
		}
		files[fmt.Sprintf("many/%02d.jsonl", i)] = part.String()
		whole.WriteString(part.String())
	}
	files["one.jsonl"] = whole.String()
	dir := folder(t, files)
	var suites []string
	for _, name := range []string{"one.jsonl", "many"} {
		var out, errOut bytes.Buffer
		if err := datacmd.Main(t.Context(), []string{"profile", filepath.Join(dir, name), "--name", "s"}, environ(t), &out, &errOut); err != nil {
			t.Fatal(err)
		}
		suites = append(suites, out.String())
	}
	if suites[0] != suites[1] {
		t.Errorf("one file:\n%s\nmany:\n%s", suites[0], suites[1])
	}
	suite := filepath.Join(dir, "s.json")
	if err := os.WriteFile(suite, []byte(suites[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	if err := datacmd.Main(t.Context(), []string{"validate", filepath.Join(dir, "many"), "--suite", suite}, environ(t), &out, &errOut); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

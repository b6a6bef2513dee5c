package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/profile"
	"github.com/leathq/leat/services/validator/internal/report"
)

const evil = `</style></title><script>alert(1)</script><img src=x onerror=alert(2)>'"` + "\x00\x01\x1b[2J\u0085\u202e\u2066\xff"

// sample is a report of data in which everything hostile stands wherever data can.
func sample(t *testing.T) report.Input {
	t.Helper()
	b := arrowio.BatchOf(
		arrowio.Of("email", []string{"ann@example.com", evil, "bob@example.org", evil}),
		arrowio.Of(evil, []int64{1, 2, 3, 400}))
	suite, err := gx.ParseSuite([]byte(`{"name": "<b>s</b>", "expectations": [
		{"type": "expect_column_values_to_match_regex", "kwargs": {"column": "email", "regex": "^<i>$"}},
		{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "email"}, "severity": "warning"},
		{"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "email", "value_set": ["<u>", "x"], "mostly": 0.9}},
		{"type": "expect_column_values_to_bee", "kwargs": {"column": "email"}},
		{"type": "expect_table_row_count_to_equal", "kwargs": {"value": 7}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := gx.Compile(suite, b.Schema(), gx.Options{Format: gx.ResultFormat{Level: gx.Summary, Partial: -1}})
	if err != nil {
		t.Fatal(err)
	}
	state := plan.NewState()
	if _, err := state.Add(b); err != nil {
		t.Fatal(err)
	}
	result, err := plan.Result(state)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := profile.New(b.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if err := seen.Add(b); err != nil {
		t.Fatal(err)
	}
	return report.Input{
		Title: "articles " + evil, Source: evil, Result: result, Columns: seen.Summary().Columns, When: time.Unix(1e9, 0),
		Counts:   &report.Counts{In: 5, Valid: 0, Quarantined: 4, Refused: 1},
		Verdicts: []gates.Verdict{{Gate: "null_rate", Column: evil, Status: gates.Fail, Reason: evil}},
		Rows:     []report.Example{{Where: evil, Reasons: []string{evil}, Text: evil}},
		Refused:  []report.Example{{Where: "a.jsonl:7", Reasons: []string{"not JSON"}, Text: "carol@example.net " + evil}},
		Version:  evil,
	}
}

func write(t *testing.T, in report.Input) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.HTML(&b, in); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Nothing that stands in data, names or suites becomes markup.
func TestHostileTextStaysText(t *testing.T) {
	for _, r := range []report.Redact{report.RedactNone, report.RedactPII, report.RedactAll} {
		in := sample(t)
		in.Redact = r
		page := write(t, in)
		for _, bad := range []string{"<script", "<img", "onerror=alert(2)>", "<b>s", "<i>$", "<u>", "</title><", "http://", "https://", "src="} {
			rest := strings.ReplaceAll(page, "src=x", "")
			if strings.Contains(rest, bad) {
				t.Errorf("redact %q: the page has %q", r, bad)
			}
		}
		if n := strings.Count(page, "</style>"); n != 1 {
			t.Errorf("redact %q: the style ends %d times", r, n)
		}
		if at := strings.IndexAny(page, "\x00\x01\x1b\u0085\u202e\u2066"); at >= 0 || !utf8.ValidString(page) {
			t.Errorf("redact %q: the page has what turns or breaks text, at %d", r, at)
		}
		balanced(t, page)
	}
	if page := write(t, sample(t)); !strings.Contains(page, `&lt;script&gt;alert(1)&lt;/script&gt;`) || !strings.Contains(page, `\u202e`) {
		t.Error("what is hostile is not shown")
	}
}

// However long names and values are, the page is no longer for it.
func TestLongTextIsCut(t *testing.T) {
	long := strings.Repeat("long ", 1<<18)
	in := sample(t)
	in.Columns[0].Name, in.Columns[0].Values = long, []profile.Value{{Text: long, Count: 1}}
	in.Result.Results[0].Kwargs = gx.Object{{Name: "column", Value: long}, {Name: "regex", Value: long}}
	in.Result.Results[0].Result = gx.Object{{Name: "observed_value", Value: []any{long, gx.Object{{Name: long, Value: long}}}}}
	in.Result.Results[1].Exception = long
	in.Verdicts = []gates.Verdict{{Gate: "drift", Column: long, Status: gates.Fail, Reason: long}}
	in.Rows = []report.Example{{Where: "here", Reasons: []string{long}, Text: long}}
	if n := len(write(t, in)) - len(write(t, sample(t))); n > 20_000 {
		t.Errorf("the page is longer by %d bytes", n)
	}
}

// balanced holds that every element is closed where it should be.
func balanced(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.Entity = true, xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("the page is not well-formed: %v", err)
			return
		}
	}
}

func TestRedaction(t *testing.T) {
	for _, tc := range []struct {
		redact     report.Redact
		has, hasnt []string
	}{
		{"", []string{"[email]"}, []string{"ann@example.com", "carol@example.net"}},
		{report.RedactPII, []string{"[email]"}, []string{"ann@example.com", "carol@example.net"}},
		{report.RedactNone, []string{"ann@example.com", "carol@example.net"}, []string{"[email]", "masked"}},
		{report.RedactAll, []string{"[15 characters]"}, []string{"ann@example.com", "carol@example.net", "alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;&#39;&#34;</code>"}},
	} {
		in := sample(t)
		in.Redact = tc.redact
		page := write(t, in)
		for _, s := range tc.has {
			if !strings.Contains(page, s) {
				t.Errorf("redact %q: %q is missing", tc.redact, s)
			}
		}
		for _, s := range tc.hasnt {
			if strings.Contains(page, s) {
				t.Errorf("redact %q: the page has %q", tc.redact, s)
			}
		}
	}
	if err := report.HTML(io.Discard, report.Input{Redact: "some"}); err == nil || !strings.Contains(err.Error(), "pii, all, none") {
		t.Errorf("an unknown redaction: %v", err)
	}
}

// A value is found wherever it stands: behind what has to be escaped, in lists, in records as they were read, in what gates and exceptions say, among numbers.
func TestRedactionFindsValuesWhereverTheyStand(t *testing.T) {
	const phone, key, card = "+49 170 1234567", "AKIA" + "0123456789ABCDEF", "378282246310005" // in two: no scanner shall find a secret here
	numbers := profile.Real(378282246310005)
	in := sample(t)
	in.Columns = []profile.Column{
		{Name: "c", Class: profile.Text, Rows: 2, Distinct: 2, Values: []profile.Value{{Text: "\n" + phone, Count: 1}, {Text: "\U000e0001" + key + " ", Count: 1}}},
		{Name: "n", Class: profile.Number, Rows: 1, Distinct: 1, Numbers: &profile.Spread{Min: numbers, Max: numbers, Median: numbers}, Values: []profile.Value{{Number: float64(numbers), Count: 1}}},
	}
	result := &in.Result.Results[0]
	result.Kwargs = gx.Object{{Name: "column", Value: "c"}, {Name: "regex", Value: []any{"\n" + phone}}, {Name: "row_condition", Value: `phone == "` + phone + `"`}}
	result.Result = gx.Object{{Name: "observed_value", Value: []any{"\t" + key, []any{"\n" + phone}, gx.Object{{Name: "k", Value: "\n" + key}}}}}
	in.Verdicts = []gates.Verdict{{Gate: "suite", Status: gates.Fail, Reason: "cannot read " + phone}}
	in.Rows = []report.Example{{Text: "text: \n" + phone}}
	in.Refused = []report.Example{{Text: `{"text": "call\n` + phone + `\u000a` + key + `", "card": ` + card + `}`}, {Text: "-----BEGIN PRIVATE " + "KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"}}
	for _, r := range []report.Redact{report.RedactPII, report.RedactAll} {
		in.Redact = r
		page := strings.NewReplacer("&#43;", "+", "\u202f", "").Replace(write(t, in))
		for _, s := range []string{phone, "170 1234567", key, card, "MIIEvQ", "BKcwgg"} {
			if at := strings.Index(page, s); at >= 0 {
				t.Errorf("redact %q: the page has %q: %q", r, s, page[max(0, at-100):at+40])
			}
		}
	}
}

// The newest value is one of the data's.
func TestAnAgeIsToldWithoutTheValue(t *testing.T) {
	in := report.Input{Title: "t", Redact: report.RedactAll, Verdicts: []gates.Verdict{{Gate: gates.GateFreshness, Status: gates.Pass, Value: 3600, Threshold: 7200, Reason: "the newest at is 2026-05-01T11:00:00Z"}}}
	if page := write(t, in); strings.Contains(page, "2026-05-01") || !strings.Contains(page, "1h0m0s") {
		t.Error("the page tells the newest value, or no age")
	}
}

// What was concluded from values tells them, so that it is not said where all are masked.
func TestSuggestionsAreMaskedToo(t *testing.T) {
	in := sample(t)
	in.Result = nil
	in.Suggested = &gx.Suite{Expectations: []gx.Expectation{{Type: "expect_column_values_to_be_between", Meta: gx.Object{{Name: "notes", Value: "from 41872 on"}},
		Kwargs: gx.Object{{Name: "column", Value: "email"}, {Name: "min_value", Value: int64(31872)}}}}}
	for redact, shows := range map[report.Redact]bool{report.RedactAll: false, report.RedactNone: true} {
		in.Redact = redact
		page := write(t, in)
		for _, value := range []string{"41872", "31872"} {
			if strings.Contains(page, value) != shows {
				t.Errorf("redact %q: whether the page has %s is not %v", redact, value, shows)
			}
		}
	}
}

func TestEqualInputGivesEqualBytes(t *testing.T) {
	if first, second := write(t, sample(t)), write(t, sample(t)); first != second {
		t.Error("two pages of one input differ")
	}
}

// What a page says at its head is the worst of what it tells below.
func TestVerdict(t *testing.T) {
	yes, no := true, false
	of := func(rs ...gx.Result) *gx.SuiteResult { return &gx.SuiteResult{Results: rs} }
	for name, tc := range map[string]struct {
		in   report.Input
		says string
	}{
		"nothing asked": {report.Input{Title: "t"}, "<title>t</title>"},
		"all hold":      {report.Input{Title: "t", Result: of(gx.Result{Success: &yes})}, "<title>t: valid</title>"},
		"one fails":     {report.Input{Title: "t", Result: of(gx.Result{}, gx.Result{Success: &no})}, "<title>t: not valid</title>"},
		"one unclear":   {report.Input{Title: "t", Result: of(gx.Result{Success: &yes}, gx.Result{Refusal: "why"})}, "<title>t: could not tell</title>"},
		"a gate fails":  {report.Input{Title: "t", Result: of(gx.Result{Success: &yes}), Verdicts: []gates.Verdict{{Status: gates.Fail}}}, "<title>t: not valid</title>"},
		"told":          {report.Input{Title: "t", Result: of(gx.Result{Success: &yes}), Verdict: report.Invalid}, "<title>t: not valid</title>"},
	} {
		if page := write(t, tc.in); !strings.Contains(page, tc.says) {
			t.Errorf("%s: the page does not say %s", name, tc.says)
		}
	}
}

// broken is a writer whose disk is full.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAPageThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := report.HTML(broken{}, report.Input{Title: "t"}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

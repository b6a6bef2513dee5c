package report

import (
	"fmt"
	"html/template"
	"time"

	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/gx"
)

// view is the page in the template's terms: texts that may be shown, and numbers of a drawing.
type view struct {
	Style     template.CSS
	Title     string
	Facts     []fact
	Verdict   Verdict
	Mark      mark
	Tiles     []fact
	Rows      []share // what became of rows
	RowsLabel string
	Gates     []gateView
	Failing   []cardLine // what does not hold, or cannot be told, of all columns
	Table     []check    // about the whole table
	Columns   []card
	BadRows   []exampleView
	Refused   []exampleView
	Masked    string
	Foot      string
	Many      bool // columns enough for a list of them
}

// fact is a value with its name.
type fact struct{ Name, Value, Note string }

// share is a piece of a bar.
type share struct {
	Name, Class, Text string
	X, Width          float64 // in percent
}

// mark is a verdict as a sign and a word: never by colour alone.
type mark struct{ Sign, Word, Class string }

var (
	good    = mark{"✓", "holds", "good"}
	bad     = mark{"✗", "does not hold", "bad"}
	unclear = mark{"?", "cannot be told", "unclear"}
	advised = mark{"+", "suggested", "advised"}
)

// exampleView is a row or record.
type exampleView struct {
	Where, Text string
	Reasons     []string
}

// cardLine is a check with the column that it is about.
type cardLine struct {
	Column string
	Anchor string
	Check  check
}

func viewOf(in *Input) *view {
	v := &view{Style: style, Title: in.Title, Masked: masked[in.Redact]}
	checks := checksOf(in)
	v.Columns, v.Table = cards(in, checks)
	v.Many = len(v.Columns) > 3
	v.Failing = failing(v)
	if v.Verdict = in.Verdict; v.Verdict == "" {
		v.Verdict = verdictOf(in)
	}
	v.Mark = map[Verdict]mark{Valid: good, Invalid: bad, Unknown: unclear}[v.Verdict]
	v.Facts = facts(in)
	v.Tiles = tiles(in)
	v.rows(in.Counts)
	for _, g := range in.Verdicts {
		v.Gates = append(v.Gates, gateOf(g, in.Redact))
	}
	v.BadRows, v.Refused = examples(in.Rows, in.Redact), examples(in.Refused, in.Redact)
	if in.Version != "" {
		v.Foot = in.Version
	}
	return v
}

var masked = map[Redact]string{
	"":        "Addresses, phone and card numbers, and keys are masked in values.",
	RedactPII: "Addresses, phone and card numbers, and keys are masked in values.",
	RedactAll: "All values of the data are masked.",
}

// verdictOf is what a suite and the gates come to.
func verdictOf(in *Input) Verdict {
	out := Verdict("")
	if len(in.Verdicts) > 0 {
		switch gates.Overall(in.Verdicts) {
		case gates.Fail:
			return Invalid
		case gates.Unknown:
			out = Unknown
		default:
			out = Valid
		}
	}
	if in.Result == nil {
		return out
	}
	unjudged := false
	for i := range in.Result.Results {
		switch markOf(&in.Result.Results[i]) {
		case bad:
			return Invalid
		case unclear:
			unjudged = true
		}
	}
	if unjudged {
		return Unknown
	}
	return Valid
}

func markOf(e *gx.Result) mark {
	switch {
	case e.Refusal != "" || e.Exception != "" || e.Success == nil:
		return unclear
	case *e.Success:
		return good
	}
	return bad
}

func facts(in *Input) []fact {
	var out []fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{Name: name, Value: value})
		}
	}
	add("Data", in.Source)
	if in.Result != nil {
		add("Suite", in.Result.SuiteName)
	}
	if !in.When.IsZero() {
		add("Looked at", in.When.UTC().Format("2 January 2006, 15:04")+" UTC")
	}
	return out
}

func tiles(in *Input) []fact {
	var out []fact
	if c := in.Counts; c != nil {
		out = append(out, fact{"rows", count(c.In), ""})
		if in.Suggested == nil {
			out = append(out, fact{"fail a check", count(c.Quarantined), percent(c.Quarantined, c.In)})
		}
		if c.Refused > 0 { // a stage of a run does not know of those before it
			out = append(out, fact{"refused records", count(c.Refused), percent(c.Refused, c.In)})
		}
	}
	if r := in.Result; r != nil {
		out = append(out, fact{"expectations hold", fmt.Sprintf("%d of %d", r.Statistics.Successful, r.Statistics.Evaluated), ""})
	}
	if in.Suggested != nil {
		out = append(out, fact{"expectations suggested", count(int64(len(in.Suggested.Expectations))), ""})
	}
	if len(in.Columns) > 0 {
		out = append(out, fact{"columns", count(int64(len(in.Columns))), ""})
	}
	return out
}

// rows draws what became of rows.
func (v *view) rows(c *Counts) {
	if c == nil || c.In <= 0 || c.Quarantined+c.Refused == 0 {
		return
	}
	at := 0.0
	for _, p := range []struct {
		name, class string
		n           int64
	}{{"valid", "good", c.Valid}, {"fail a check", "bad", c.Quarantined}, {"refused", "unclear", c.Refused}} {
		if p.n <= 0 {
			continue
		}
		w := 100 * float64(p.n) / float64(c.In)
		v.Rows = append(v.Rows, share{Name: p.name, Class: p.class, Text: count(p.n) + " · " + percent(p.n, c.In), X: at, Width: w})
		at += w
	}
	v.RowsLabel = "Of " + count(c.In) + " rows"
	for _, s := range v.Rows {
		v.RowsLabel += ", " + s.Name + ": " + s.Text
	}
}

// mostExamples bounds how many rows a page shows.
const mostExamples = 50

func examples(list []Example, r Redact) []exampleView {
	var out []exampleView
	for _, e := range list[:min(len(list), mostExamples)] {
		x := exampleView{Where: e.Where, Text: r.text(e.Text, 2000)}
		for _, reason := range e.Reasons {
			x.Reasons = append(x.Reasons, RedactPII.soft(r, reason))
		}
		out = append(out, x)
	}
	return out
}

// failing is what does not hold, in the order of the page.
func failing(v *view) []cardLine {
	var out []cardLine
	take := func(column, anchor string, list []check) {
		for _, c := range list {
			if c.Mark == bad || c.Mark == unclear {
				out = append(out, cardLine{column, anchor, c})
			}
		}
	}
	take("", "table", v.Table)
	for _, c := range v.Columns {
		take(c.Name, c.Anchor, c.Checks)
	}
	return out
}

// stamp is a point in time as precise as a span needs.
func stamp(t time.Time) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format("2006-01-02")
	}
	return t.Format("2006-01-02 15:04:05")
}

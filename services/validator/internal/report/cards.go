package report

import (
	"fmt"

	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/profile"
)

// check is one expectation on the page.
type check struct {
	column   string // "" where it is about more than one
	Mark     mark
	Sentence []word
	Type     string
	Severity string // empty: critical, as most are
	Why      string // it cannot be told, or why it was suggested
	Finding  string
	Bar      bool // Good is the share of values that hold, in percent
	Good     float64
	Goodness string
	Values   []sample
	More     string
}

// nameShown is how many characters of a column's name a page shows: names come from data too.
const nameShown = 200

// sample is a value that does not hold.
type sample struct {
	Value, Row string
	rows       int
}

// card is a column on the page.
type card struct {
	Name, Anchor, Type string
	Mark               mark
	Checks             []check
	Facts              []fact
	Missing            float64 // in percent
	MissingText        string
	Chart              *chart
	Top                []bar
}

// checksOf are the expectations of the result, or those suggested.
func checksOf(in *Input) []check {
	var out []check
	if in.Result != nil {
		for i := range in.Result.Results {
			out = append(out, judged(&in.Result.Results[i], in.Redact))
		}
	}
	if in.Suggested != nil {
		for _, e := range in.Suggested.Expectations {
			c := check{column: columnOf(e.Kwargs), Mark: advised, Type: e.Type, Sentence: in.Redact.sentence(e.Type, e.Kwargs)}
			if notes, ok := e.Meta.Get("notes"); ok && in.Redact != RedactAll { // they tell values
				c.Why = RedactPII.soft(in.Redact, fmt.Sprint(notes))
			}
			out = append(out, c)
		}
	}
	return out
}

func columnOf(k gx.Object) string {
	c, _ := k.Get("column")
	s, _ := c.(string)
	return s
}

func judged(e *gx.Result, r Redact) check {
	c := check{column: columnOf(e.Kwargs), Mark: markOf(e), Type: e.Expectation.Type, Sentence: r.sentence(e.Expectation.Type, e.Kwargs)}
	if s := e.Expectation.Severity; s != "critical" {
		c.Severity = s
	}
	if why := e.Refusal + e.Exception; why != "" {
		c.Why = RedactPII.soft(r, why)
		return c
	}
	c.evidence(e.Result, r)
	return c
}

// soft masks a text that has words of ours beside values: what is masked in pages that mask something.
func (r Redact) soft(asked Redact, s string) string {
	if asked == RedactNone {
		return cut(s, 600)
	}
	return r.text(s, 600)
}

// cards puts the checks to their columns, in the order of the data; what is of no column is about the table.
func cards(in *Input, checks []check) (out []card, table []check) {
	at := map[string]int{}
	put := func(name string) int {
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, card{Name: cut(name, nameShown), Anchor: fmt.Sprintf("column-%d", i+1)})
		}
		return i
	}
	for i := range in.Columns {
		k := put(in.Columns[i].Name)
		out[k].describe(&in.Columns[i], in.Redact)
	}
	for _, c := range checks {
		if c.column == "" {
			table = append(table, c)
			continue
		}
		k := put(c.column)
		out[k].Checks = append(out[k].Checks, c)
	}
	for i := range out {
		out[i].Mark = worst(out[i].Checks)
	}
	return out, table
}

func worst(checks []check) mark {
	m := mark{}
	for _, c := range checks {
		switch {
		case c.Mark == bad:
			return bad
		case c.Mark == unclear, m == mark{}:
			m = c.Mark
		}
	}
	return m
}

// describe says what is in a column.
func (c *card) describe(p *profile.Column, r Redact) {
	c.Type = p.Type
	if p.Rows > 0 {
		c.Missing, c.MissingText = 100*float64(p.Missing)/float64(p.Rows), percent(p.Missing, p.Rows)
	}
	if p.Distinct > 0 {
		c.Facts = append(c.Facts, fact{Name: "different", Value: count(p.Distinct)})
	} else if p.Unique {
		c.Facts = append(c.Facts, fact{Name: "different", Value: "all"})
	}
	c.spread(p, r)
	if len(p.Values) > 0 && p.Distinct <= mostTop {
		c.Top, c.Chart = top(p, r), nil
	} else if p.Class != profile.Number && len(p.Values) > 0 && p.Values[0].Count*100 > p.Present() {
		c.Top = top(p, r) // some are common
	}
}

func (c *card) spread(p *profile.Column, r Redact) {
	switch {
	case p.Numbers != nil:
		if r != RedactAll {
			n := p.Numbers
			c.Facts = append(c.Facts, fact{Name: "least", Value: r.number(float64(n.Min))}, fact{Name: "median", Value: r.number(float64(n.Median))},
				fact{Name: "mean", Value: real(float64(n.Mean))}, fact{Name: "greatest", Value: r.number(float64(n.Max))})
			c.Chart = draw("values of "+c.Name, n.Bins, real)
		}
	case p.Times != nil:
		if r != RedactAll {
			c.Facts = append(c.Facts, fact{Name: "first", Value: stamp(p.Times.First)}, fact{Name: "last", Value: stamp(p.Times.Last)})
			c.Chart = draw("points in time of "+c.Name, p.Times.Bins, secondsOf)
		}
	case p.Lengths != nil:
		n := p.Lengths
		c.Facts = append(c.Facts, fact{Name: "shortest", Value: real(float64(n.Min))}, fact{Name: "median length", Value: real(float64(n.Median))},
			fact{Name: "longest", Value: real(float64(n.Max))})
		c.Chart = draw("lengths of "+c.Name+", in characters", n.Bins, real)
	}
}

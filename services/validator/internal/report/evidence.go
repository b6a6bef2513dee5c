package report

import (
	"fmt"
	"strings"

	"github.com/leathq/leat/services/validator/internal/gx"
)

// evidence is what was found in the data.
func (c *check) evidence(o gx.Object, r Redact) {
	n, counted := whole(o, "unexpected_count")
	if !counted {
		if v, ok := o.Get("observed_value"); ok {
			c.Finding = "found " + r.observed(v)
		}
		return
	}
	elements, _ := whole(o, "element_count")
	missing, _ := whole(o, "missing_count")
	if considered := elements - missing; considered > 0 {
		c.Bar, c.Good = true, tenth(100*float64(considered-n)/float64(considered))
		if n > 0 {
			c.Good = min(c.Good, 98) // what does not hold is to be seen
		}
		c.Goodness = percent(considered-n, considered)
	}
	if n == 0 {
		return
	}
	c.Finding = count(n) + " of " + count(elements-missing) + " values do not hold"
	values, _ := o.Get("partial_unexpected_list")
	rows, _ := o.Get("partial_unexpected_index_list")
	if more := n - c.samples(values, rows, r); len(c.Values) > 0 && more > 0 {
		c.More = "and " + count(more) + " more"
	}
}

// mostSamples is how many values that do not hold a page shows of one expectation.
const mostSamples = 8

// samples are values that do not hold, each once, with the first of their rows.
func (c *check) samples(values, rows any, r Redact) (shown int64) {
	vs, _ := values.([]any)
	at, _ := rows.([]any)
	place := map[string]int{}
	for i, v := range vs {
		text := r.plain(v, 160)
		k, known := place[text]
		if !known {
			if len(c.Values) == mostSamples {
				break
			}
			k = len(c.Values)
			place[text] = k
			c.Values = append(c.Values, sample{Value: text})
		}
		shown++
		if n, ok := rowAt(at, i, len(vs)); ok {
			c.Values[k].add(n)
		}
	}
	return shown
}

// rowAt is the number of the row of value i, where results have it.
func rowAt(rows []any, i, values int) (int64, bool) {
	if len(rows) != values {
		return 0, false
	}
	n, ok := rows[i].(int64)
	return n, ok
}

// mostRows is how many rows of one value are named.
const mostRows = 4

func (s *sample) add(row int64) {
	switch s.rows++; {
	case s.rows == 1:
		s.Row = "row " + count(row)
	case s.rows <= mostRows:
		s.Row += ", " + count(row)
	case s.rows == mostRows+1:
		s.Row += ", …"
	}
}

func whole(o gx.Object, name string) (int64, bool) {
	v, ok := o.Get(name)
	n, isInt := v.(int64)
	return n, ok && isInt
}

func (r Redact) observed(v any) string {
	list, ok := v.([]any)
	if !ok {
		return r.plain(v, 300)
	}
	var out []string
	for i, x := range list {
		if i == 2*listed {
			out = append(out, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		out = append(out, r.plain(x, 80))
	}
	return strings.Join(out, ", ")
}

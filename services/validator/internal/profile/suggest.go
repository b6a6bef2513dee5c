package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
)

const (
	// fewest is how many rows must hold a value before something is said of what values look like.
	fewest = 20
	// setSize is how many different values a set has at most, and setRepeats how often a value occurs in the mean at least, for the values to be taken for a closed set.
	setSize    = 32
	setRepeats = 10
)

// Suggest writes a suite, as Great Expectations 1.x reads it, that the data of the summary meets, with room for data like it: a start for people, who know what must hold. Every expectation has
// in its notes what it was concluded from. Equal summaries give equal bytes.
func Suggest(name string, s *Summary) ([]byte, error) {
	w := &suggestion{list: []any{}}
	w.table(s)
	for i := range s.Columns {
		if c := &s.Columns[i]; c.Present() > 0 {
			w.column(c)
		}
	}
	suite := gx.Object{{Name: "name", Value: name}, {Name: "expectations", Value: w.list},
		{Name: "meta", Value: gx.Object{{Name: "great_expectations_version", Value: gx.Version}}}}
	data, err := suite.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write the suite: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return nil, fmt.Errorf("write the suite: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// suggestion is a suite on its way.
type suggestion struct{ list []any }

func (w *suggestion) expect(kind, why string, kwargs ...gx.Member) {
	w.list = append(w.list, gx.Object{{Name: "type", Value: kind}, {Name: "kwargs", Value: gx.Object(kwargs)},
		{Name: "meta", Value: gx.Object{{Name: "notes", Value: why}}}})
}

func kwarg(name string, v any) gx.Member { return gx.Member{Name: name, Value: v} }

func (w *suggestion) table(s *Summary) {
	names := make([]any, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = c.Name
	}
	if len(names) > 0 {
		w.expect("expect_table_columns_to_match_set", "these columns were there; more may come", kwarg("column_set", names), kwarg("exact_match", false))
	}
	if s.Rows > 0 {
		low, high := int64(math.Floor(roundDown(float64(s.Rows)/2))), int64(math.Ceil(-roundDown(-float64(s.Rows)*2)))
		w.expect("expect_table_row_count_to_be_between", fmt.Sprintf("%d rows; half as many to twice as many", s.Rows), kwarg("min_value", low), kwarg("max_value", high))
	}
}

// roundDown keeps two digits of a number.
func roundDown(f float64) float64 {
	if f == 0 || math.Abs(f) < 100 {
		return f
	}
	p := math.Pow(10, math.Floor(math.Log10(math.Abs(f)))-1)
	return math.Floor(f/p) * p
}

func (w *suggestion) column(c *Column) {
	w.presence(c)
	w.types(c)
	if c.Unique && c.Present() >= fewest {
		w.expect("expect_column_values_to_be_unique", fmt.Sprintf("%d values, no two of them the same", c.Present()), kwarg("column", c.Name))
	}
	if w.set(c) {
		return
	}
	switch {
	case c.Unique && c.whole && c.Present() >= fewest: // ids, which grow
	case c.Numbers != nil:
		w.numbers(c)
	case c.Times != nil:
		w.times(c)
	case c.Class == Text:
		w.texts(c)
	}
}

// presence asks for values: for all of them, or for a share below that of the data by three of its standard errors, and a hundredth.
func (w *suggestion) presence(c *Column) {
	const kind = "expect_column_values_to_not_be_null"
	if c.Missing == 0 {
		w.expect(kind, fmt.Sprintf("all %d rows have a value", c.Rows), kwarg("column", c.Name))
		return
	}
	p := float64(c.Present()) / float64(c.Rows)
	mostly := math.Floor(100*(p-max(0.01, 3*math.Sqrt(p*(1-p)/float64(c.Rows))))) / 100
	if mostly > 0 {
		w.expect(kind, fmt.Sprintf("%d of %d rows have a value", c.Present(), c.Rows), kwarg("column", c.Name), kwarg("mostly", mostly))
	}
}

// types asks for the dtype that pandas gives the column, with gaps or without: whether gaps may be is said by another. Great Expectations takes "str" alone and in no list, and knows no name
// for categories and points in time of a zone; columns of Python's objects have no dtype worth asking for.
func (w *suggestion) types(c *Column) {
	if c.Class == Text {
		w.expect("expect_column_values_to_be_of_type", "the column is "+c.Type, kwarg("column", c.Name), kwarg("type_", "str"))
		return
	}
	if c.arrow.Kind == arrowio.Dictionary || c.arrow.Zone != "" {
		return
	}
	var list []any
	for _, gaps := range []bool{false, true} {
		d := gx.DType(c.arrow, gaps)
		if d == "object" {
			return
		}
		if !slices.Contains(list, any(d)) {
			list = append(list, d)
		}
	}
	w.expect("expect_column_values_to_be_in_type_list", "the column is "+c.Type+"; integers beside gaps are floats", kwarg("column", c.Name), kwarg("type_list", list))
}

// set takes few values that come often for all that there may be.
func (w *suggestion) set(c *Column) bool {
	if c.Class == Flag || c.Class == Time || c.Distinct == 0 || c.Distinct > setSize || c.Distinct*setRepeats > c.Present() {
		return false
	}
	if c.Class == Number && !c.whole {
		return false // measures that came out alike
	}
	set := make([]any, len(c.Values))
	for i, v := range c.Values {
		if set[i] = v.Text; c.Class == Number {
			set[i] = int64(v.Number)
		}
	}
	w.expect("expect_column_values_to_be_in_set", fmt.Sprintf("%d different values in %d rows", c.Distinct, c.Present()), kwarg("column", c.Name), kwarg("value_set", set))
	return true
}

func (w *suggestion) numbers(c *Column) {
	n := c.Numbers
	if !n.Min.finite() || !n.Max.finite() {
		return
	}
	low, high := margins(float64(n.Min), float64(n.Max), c.whole)
	w.expect("expect_column_values_to_be_between", fmt.Sprintf("values from %.6g to %.6g, and a tenth of that more on either side", float64(n.Min), float64(n.Max)),
		kwarg("column", c.Name), kwarg("min_value", bound(low, c.whole)), kwarg("max_value", bound(high, c.whole)))
}

// bound is a whole number for columns of such, where it can be one.
func bound(f float64, whole bool) any {
	if whole && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

// margins widen a span by a tenth on either side, outwards to two digits of its width. What is not negative stays so, and shares stay from 0 to 1.
func margins(least, most float64, whole bool) (low, high float64) {
	if least >= 0 && most <= 1 && !whole {
		return 0, 1
	}
	width := most - least
	if width == 0 {
		width = math.Abs(least)
	}
	if width == 0 {
		return 0, 0
	}
	p := math.Pow(10, math.Floor(math.Log10(width))-1)
	if whole {
		p = max(p, 1)
	}
	low, high = tidy(math.Floor((least-width/10)/p)*p, p), tidy(math.Ceil((most+width/10)/p)*p, p)
	if least >= 0 {
		low = max(low, 0)
	}
	if most <= 0 {
		high = min(high, 0)
	}
	if math.IsNaN(low) || math.IsInf(low, 0) || low > least {
		low = math.Nextafter(least, math.Inf(-1))
	}
	if math.IsNaN(high) || math.IsInf(high, 0) || high < most {
		high = math.Nextafter(most, math.Inf(1))
	}
	return low, high
}

// times asks that nothing is older than the data by more than a tenth of its span. Later points in time are what one expects.
func (w *suggestion) times(c *Column) {
	first := c.Times.First.Add(-c.Times.Last.Sub(c.Times.First) / 10)
	first = time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, time.UTC).AddDate(0, 0, -1)
	if first.Year() < 1700 || c.Times.Last.Year() > 2250 {
		return // no points in time that pandas has in every unit: mistakes, or a calendar of old
	}
	text := first.Format("2006-01-02T15:04:05")
	switch {
	case c.arrow.Zone != "":
		text += "+00:00"
	case gx.DType(c.arrow, false) == "object": // dates
		text = first.Format("2006-01-02")
	}
	w.expect("expect_column_values_to_be_between", "from "+c.Times.First.Format("2006-01-02")+" to "+c.Times.Last.Format("2006-01-02")+"; later is not looked for",
		kwarg("column", c.Name), kwarg("min_value", text))
}

func (w *suggestion) texts(c *Column) {
	w.lengths(c)
	if c.Present() < fewest {
		return
	}
	why := fmt.Sprintf("all %d values look so", c.Present())
	switch {
	case c.Form.Strftime != "":
		w.expect("expect_column_values_to_match_strftime_format", why, kwarg("column", c.Name), kwarg("strftime_format", c.Form.Strftime))
	case c.Form.Regex != "":
		w.expect("expect_column_values_to_match_regex", why, kwarg("column", c.Name), kwarg("regex", c.Form.Regex))
	case c.Form.JSON:
		w.expect("expect_column_values_to_be_json_parseable", why, kwarg("column", c.Name))
	}
}

// lengths asks for the one length that all have, or from half the shortest to one and a half times the longest.
func (w *suggestion) lengths(c *Column) {
	low, high := int64(c.Lengths.Min), int64(c.Lengths.Max)
	why := fmt.Sprintf("lengths from %d to %d", low, high)
	if low == high && c.Present() >= fewest {
		w.expect("expect_column_value_lengths_to_equal", why, kwarg("column", c.Name), kwarg("value", low))
		return
	}
	if low > 0 {
		low = max(1, low/2)
	}
	high = int64(math.Ceil(-roundDown(-1.5 * float64(high))))
	w.expect("expect_column_value_lengths_to_be_between", why+"; half the shortest to one and a half times the longest", kwarg("column", c.Name), kwarg("min_value", low), kwarg("max_value", high))
}

package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/validator/internal/gx"
)

// word is a piece of a sentence; Code is set apart, as it is a value and no word.
type word struct {
	Text string
	Code bool
}

func say(text string) word { return word{Text: text} }

func (r Redact) value(v any) word { return word{Text: r.plain(v, 120), Code: true} }

// plain is a value of the data in one line.
func (r Redact) plain(v any, most int) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return r.shown(v, most)
	case float64:
		if r != RedactAll && !(v == math.Trunc(v)) {
			return real(v)
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the template escapes
	if err := e.Encode(v); err != nil {
		return r.text(fmt.Sprint(v), most)
	}
	return r.text(strings.TrimSuffix(b.String(), "\n"), most)
}

// visible makes an empty text and the spaces around one be seen.
func visible(s string) string {
	if s == "" {
		return "(empty)"
	}
	if strings.TrimSpace(s) != s {
		return strconv.Quote(s)
	}
	return s
}

// real is a float as people read it.
func real(f float64) string {
	switch a := math.Abs(f); {
	case f == math.Trunc(f) && a < 1e15:
		return count(int64(f))
	case a >= 1e-3 && a < 1e9:
		digits := max(0, 4-int(math.Floor(math.Log10(a)))-1)
		if digits == 0 {
			return count(int64(math.Round(f)))
		}
		s := strconv.FormatFloat(f, 'f', digits, 64)
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// count is a number with its thousands apart by a thin space.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// percent is a share as people read it: never 100 % of what is not all, never 0 % of what is not nothing.
func percent(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	p := 100 * float64(part) / float64(whole)
	switch {
	case part == whole, part == 0:
		return fmt.Sprintf("%.0f %%", p)
	case p > 99.9:
		return "over 99.9 %"
	case p < 0.1:
		return "under 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}

// sentence is what an expectation asks, in words.
func (r Redact) sentence(kind string, k gx.Object) []word {
	var out []word
	switch {
	case fixed[kind] != "":
		out = []word{say(fixed[kind])}
	case spans[kind] != "":
		out = r.between(spans[kind], k)
	case about[kind].text != "":
		v, _ := k.Get(about[kind].argument)
		out = append([]word{say(about[kind].text)}, r.list(v)...)
	default:
		out = r.generic(kind, k)
	}
	if m, ok := k.Get("mostly"); ok && m != nil {
		if f, ok := float(m); ok && f < 1 {
			out = append(out, say(" in at least "+real(f*100)+" % of rows"))
		}
	}
	if c, ok := k.Get("row_condition"); ok && c != nil {
		out = append(out, say(", where "), r.value(condition(c)))
	}
	return out
}

// condition is a row condition as it was written, where it is a text.
func condition(c any) any {
	if o, ok := c.(gx.Object); ok {
		if s, ok := o.Get("pass_through_filter"); ok {
			return s
		}
	}
	return c
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// between says bounds.
func (r Redact) between(what string, k gx.Object) []word {
	low, _ := k.Get("min_value")
	high, _ := k.Get("max_value")
	strictLow, _ := k.Get("strict_min")
	strictHigh, _ := k.Get("strict_max")
	out := []word{say(what)}
	switch {
	case low != nil && high != nil && strictLow != true && strictHigh != true:
		return append(out, say(" from "), r.value(low), say(" to "), r.value(high))
	case low == nil && high == nil:
		return append(out, say(" anything"))
	}
	if low != nil {
		out = append(out, say(map[bool]string{true: " more than ", false: " at least "}[strictLow == true]), r.value(low))
	}
	if low != nil && high != nil {
		out = append(out, say(" and"))
	}
	if high != nil {
		out = append(out, say(map[bool]string{true: " less than ", false: " at most "}[strictHigh == true]), r.value(high))
	}
	return out
}

// listed is how many values of a set a sentence names.
const listed = 8

func (r Redact) list(v any) []word {
	vs, ok := v.([]any)
	if !ok {
		return []word{say(" "), r.value(v)}
	}
	var out []word
	for i, x := range vs {
		if i == listed {
			return append(out, say(fmt.Sprintf(" and %d more", len(vs)-listed)))
		}
		out = append(out, say(" "), r.value(x))
	}
	return out
}

// generic says an expectation by its name and arguments.
func (r Redact) generic(kind string, k gx.Object) []word {
	name := strings.ReplaceAll(strings.TrimPrefix(kind, "expect_"), "_", " ")
	if name != "" {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	out := []word{say(name)}
	for _, m := range k {
		switch m.Name {
		case "column", "mostly", "row_condition", "condition_parser", "batch_id", "result_format":
			continue
		}
		if m.Value != nil {
			out = append(out, say(" · "+strings.ReplaceAll(m.Name, "_", " ")+" "), r.value(m.Value))
		}
	}
	return out
}

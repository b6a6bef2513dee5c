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
		return r.text(visible(v), most)
	case float64:
		if r != RedactAll {
			return real(v)
		}
	case int64:
		return r.text(strconv.FormatInt(v, 10), most)
	}
	b, err := json.Marshal(v)
	if err != nil {
		b = fmt.Append(nil, v)
	}
	return r.text(string(b), most)
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
		out = append(out, say(", where "), RedactNone.value(condition(c)))
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

var fixed = map[string]string{
	"expect_column_values_to_not_be_null":           "There is a value",
	"expect_column_values_to_be_null":               "There is no value",
	"expect_column_values_to_be_unique":             "Values are unique",
	"expect_column_values_to_be_increasing":         "Values increase",
	"expect_column_values_to_be_decreasing":         "Values decrease",
	"expect_column_values_to_be_dateutil_parseable": "Values are dates or times",
	"expect_column_values_to_be_json_parseable":     "Values are JSON",
	"expect_column_to_exist":                        "The column exists",
}

var spans = map[string]string{
	"expect_column_values_to_be_between":                        "Values are",
	"expect_column_value_lengths_to_be_between":                 "Lengths are",
	"expect_column_min_to_be_between":                           "The least value is",
	"expect_column_max_to_be_between":                           "The greatest value is",
	"expect_column_mean_to_be_between":                          "The mean is",
	"expect_column_median_to_be_between":                        "The median is",
	"expect_column_sum_to_be_between":                           "The sum is",
	"expect_column_stdev_to_be_between":                         "The standard deviation is",
	"expect_column_unique_value_count_to_be_between":            "The number of different values is",
	"expect_column_proportion_of_unique_values_to_be_between":   "The share of unique values is",
	"expect_column_proportion_of_non_null_values_to_be_between": "The share of rows with a value is",
	"expect_table_row_count_to_be_between":                      "The number of rows is",
	"expect_table_column_count_to_be_between":                   "The number of columns is",
}

var about = map[string]struct{ text, argument string }{
	"expect_column_values_to_be_in_set":                      {"Values are among", "value_set"},
	"expect_column_values_to_not_be_in_set":                  {"Values are none of", "value_set"},
	"expect_column_distinct_values_to_be_in_set":             {"Different values are among", "value_set"},
	"expect_column_distinct_values_to_contain_set":           {"Among the values are all of", "value_set"},
	"expect_column_distinct_values_to_equal_set":             {"Different values are exactly", "value_set"},
	"expect_column_most_common_value_to_be_in_set":           {"The most common value is among", "value_set"},
	"expect_column_values_to_be_of_type":                     {"Values are of type", "type_"},
	"expect_column_type_to_be":                               {"The column's type is", "type_"},
	"expect_column_values_to_be_in_type_list":                {"Values are of a type among", "type_list"},
	"expect_column_value_lengths_to_equal":                   {"Lengths are", "value"},
	"expect_column_values_to_match_regex":                    {"Values match", "regex"},
	"expect_column_values_to_not_match_regex":                {"Values do not match", "regex"},
	"expect_column_values_to_match_regex_list":               {"Values match", "regex_list"},
	"expect_column_values_to_not_match_regex_list":           {"Values match none of", "regex_list"},
	"expect_column_values_to_match_strftime_format":          {"Values are dates or times like", "strftime_format"},
	"expect_table_row_count_to_equal":                        {"The number of rows is", "value"},
	"expect_table_column_count_to_equal":                     {"The number of columns is", "value"},
	"expect_table_columns_to_match_set":                      {"There are the columns", "column_set"},
	"expect_table_columns_to_match_ordered_list":             {"The columns in order are", "column_list"},
	"expect_compound_columns_to_be_unique":                   {"No two rows have the same", "column_list"},
	"expect_select_column_values_to_be_unique_within_record": {"Within a row these differ:", "column_list"},
}

package gx

import (
	"sort"

	"github.com/leathq/leat/pkg/near"
)

// family is what an expectation looks at: it decides the shape of the result and the place among a suite's results.
type family uint8

const (
	ofTable       family = iota
	ofColumnFacts        // a column's place or type: not a row of it
	ofPair
	ofMany
	ofColumnRows
	ofColumnWhole
)

// argument is one kwarg of an expectation: what GX's model of it accepts.
type argument struct {
	name     string
	takes    kind
	required bool
	allowed  []string // of a word: those there are
}

// kind is what values a kwarg takes. A {"$PARAMETER": …} is taken wherever GX takes one, after it was put in.
type kind uint8

const (
	aNumber kind = iota
	aWhole
	aBound // a number, date or datetime
	aCountBound
	aFlag
	aText
	aTexts
	aStrictText
	aList
	aPairs
	aWord
	aMapping
	aPositive
	aShare // 0..1
)

// entry describes one expectation type.
type entry struct {
	family    family
	arguments []argument
	mostly    bool
	condition bool
	sqlOnly   bool // GX has it, but only where there is a database
}

func must(name string, k kind) argument { return argument{name: name, takes: k, required: true} }
func may(name string, k kind) argument  { return argument{name: name, takes: k} }
func word(name string, of ...string) argument {
	return argument{name: name, takes: aWord, allowed: of}
}

func rows(args ...argument) entry {
	return entry{family: ofColumnRows, mostly: true, condition: true, arguments: append([]argument{must("column", aStrictText)}, args...)}
}

func whole(args ...argument) entry {
	return entry{family: ofColumnWhole, condition: true, arguments: append([]argument{must("column", aStrictText)}, args...)}
}

func between(k kind) []argument {
	return []argument{may("min_value", k), may("max_value", k), may("strict_min", aFlag), may("strict_max", aFlag)}
}

func pair(args ...argument) entry {
	base := []argument{must("column_A", aStrictText), must("column_B", aStrictText),
		word("ignore_row_if", "both_values_are_missing", "either_value_is_missing", "neither")}
	return entry{family: ofPair, mostly: true, condition: true, arguments: append(base, args...)}
}

func many(args ...argument) entry {
	base := []argument{must("column_list", aTexts), word("ignore_row_if", "all_values_are_missing", "any_value_is_missing", "never")}
	return entry{family: ofMany, mostly: true, condition: true, arguments: append(base, args...)}
}

func table(condition bool, args ...argument) entry {
	return entry{family: ofTable, condition: condition, arguments: args}
}

func sql(e entry) entry { e.sqlOnly = true; return e }

// catalog is every expectation type that GX 1.24 registers in its core, and those of our own.
var catalog = joined(map[string]entry{
	"expect_column_values_to_not_be_null":                       rows(),
	"expect_column_values_to_be_null":                           rows(),
	"expect_column_values_to_be_unique":                         rows(),
	"expect_column_values_to_be_between":                        rows(between(aBound)...),
	"expect_column_values_to_be_in_set":                         rows(must("value_set", aList)),
	"expect_column_values_to_not_be_in_set":                     rows(must("value_set", aList)),
	"expect_column_values_to_be_of_type":                        rows(must("type_", aText)),
	"expect_column_values_to_be_in_type_list":                   rows(may("type_list", aTexts)),
	"expect_column_value_lengths_to_be_between":                 rows(between(aWhole)...),
	"expect_column_value_lengths_to_equal":                      rows(must("value", aNumber)),
	"expect_column_values_to_match_regex":                       rows(may("regex", aText)),
	"expect_column_values_to_not_match_regex":                   rows(must("regex", aText)),
	"expect_column_values_to_match_regex_list":                  rows(must("regex_list", aTexts), word("match_on", "any", "all")),
	"expect_column_values_to_not_match_regex_list":              rows(must("regex_list", aTexts)),
	"expect_column_values_to_match_like_pattern":                sql(rows(must("like_pattern", aText), may("escape", aText))),
	"expect_column_values_to_not_match_like_pattern":            sql(rows(must("like_pattern", aText), may("escape", aText))),
	"expect_column_values_to_match_like_pattern_list":           sql(rows(must("like_pattern_list", aTexts), word("match_on", "any", "all"), may("escape", aText))),
	"expect_column_values_to_not_match_like_pattern_list":       sql(rows(must("like_pattern_list", aTexts), may("escape", aText))),
	"expect_column_value_z_scores_to_be_less_than":              rows(must("threshold", aNumber), must("double_sided", aFlag)),
	"expect_column_values_to_be_increasing":                     rows(may("strictly", aFlag)),
	"expect_column_values_to_be_decreasing":                     rows(may("strictly", aFlag)),
	"expect_column_values_to_be_dateutil_parseable":             rows(),
	"expect_column_values_to_be_json_parseable":                 rows(),
	"expect_column_values_to_match_json_schema":                 rows(must("json_schema", aMapping)),
	"expect_column_values_to_match_strftime_format":             rows(must("strftime_format", aText)),
	"expect_column_values_to_not_be_outliers":                   rows(word("method", "iqr", "std"), may("multiplier", aPositive)),
	"expect_column_min_to_be_between":                           whole(between(aBound)...),
	"expect_column_max_to_be_between":                           whole(between(aBound)...),
	"expect_column_mean_to_be_between":                          whole(between(aBound)...),
	"expect_column_median_to_be_between":                        whole(between(aBound)...),
	"expect_column_sum_to_be_between":                           whole(between(aBound)...),
	"expect_column_stdev_to_be_between":                         whole(between(aNumber)...),
	"expect_column_unique_value_count_to_be_between":            whole(between(aWhole)...),
	"expect_column_proportion_of_unique_values_to_be_between":   whole(between(aNumber)...),
	"expect_column_proportion_of_non_null_values_to_be_between": whole(between(aNumber)...),
	"expect_column_distinct_values_to_be_in_set":                whole(must("value_set", aList)),
	"expect_column_distinct_values_to_contain_set":              whole(must("value_set", aList)),
	"expect_column_distinct_values_to_equal_set":                whole(must("value_set", aList)),
	"expect_column_most_common_value_to_be_in_set":              whole(must("value_set", aList), may("ties_okay", aFlag)),
	"expect_column_quantile_values_to_be_between":               whole(must("quantile_ranges", aMapping), may("allow_relative_error", aText)),
	"expect_column_kl_divergence_to_be_less_than": whole(may("partition_object", aMapping), may("threshold", aNumber),
		may("internal_weight_holdout", aShare), may("tail_weight_holdout", aShare), may("bucketize_data", aFlag),
		may("min_value", aBound), may("max_value", aBound)),
	"expect_column_pair_values_to_be_equal":                  pair(),
	"expect_column_pair_values_a_to_be_greater_than_b":       pair(may("or_equal", aFlag)),
	"expect_column_pair_values_to_be_in_set":                 pair(must("value_pairs_set", aPairs)),
	"expect_compound_columns_to_be_unique":                   many(),
	"expect_select_column_values_to_be_unique_within_record": many(),
	"expect_multicolumn_sum_to_equal":                        many(must("sum_total", aNumber)),
	"expect_multicolumn_values_to_be_equal":                  many(),
	"expect_column_to_exist":                                 {family: ofColumnFacts, arguments: []argument{must("column", aStrictText), may("column_index", aWhole)}},
	"expect_column_type_to_be":                               {family: ofColumnFacts, arguments: []argument{must("column", aStrictText), must("type_", aText)}},
	"expect_table_column_count_to_be_between":                table(false, may("min_value", aBound), may("max_value", aBound)),
	"expect_table_column_count_to_equal":                     table(false, must("value", aWhole)),
	"expect_table_columns_to_match_ordered_list":             table(false, may("column_list", aList)),
	"expect_table_columns_to_match_set":                      table(false, may("column_set", aList), may("exact_match", aFlag)),
	"expect_table_row_count_to_be_between":                   table(true, between(aCountBound)...),
	"expect_table_row_count_to_equal":                        table(true, must("value", aWhole)),
	"expect_table_row_count_to_equal_other_table":            sql(table(true, must("other_table_name", aText))),
	"unexpected_rows_expectation":                            sql(table(false, must("unexpected_rows_query", aText))),
	"expect_query_results_to_match_comparison": sql(entry{family: ofTable, mostly: true, arguments: []argument{
		must("base_query", aText), must("comparison_data_source_name", aText), must("comparison_query", aText)}}),
}, ownTypes)

// Types returns the names of all expectation types, sorted.
func Types() []string {
	names := make([]string, 0, len(catalog))
	for n := range catalog {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Nearest returns the known type that is the fewest edits away from name, and whether it is near enough to be meant.
func Nearest(name string) (string, bool) {
	best := near.Word(name, Types(), len(name)/3+1)
	return best, best != ""
}

package report

// fixed are expectations without arguments, as sentences.
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

// spans are the beginnings of sentences that end with bounds.
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

// about are the beginnings of sentences that end with one argument.
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

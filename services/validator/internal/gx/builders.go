package gx

func init() {
	builders = map[string]build{
		"expect_column_values_to_not_be_null":          valuesNotNull,
		"expect_column_values_to_be_null":              valuesNull,
		"expect_column_values_to_be_between":           valuesBetween,
		"expect_column_values_to_be_in_set":            valuesInSet,
		"expect_column_values_to_not_be_in_set":        valuesNotInSet,
		"expect_column_value_lengths_to_be_between":    lengthBetween,
		"expect_column_value_lengths_to_equal":         lengthEquals,
		"expect_column_values_to_match_regex":          matchRegex,
		"expect_column_values_to_not_match_regex":      notMatchRegex,
		"expect_column_values_to_match_regex_list":     matchRegexList,
		"expect_column_values_to_not_match_regex_list": notMatchRegexList,
		"expect_table_row_count_to_equal":              tableRowCountEqual,
		"expect_table_row_count_to_be_between":         tableRowCountBetween,
		"expect_table_column_count_to_equal":           tableColumnCountEqual,
		"expect_table_column_count_to_be_between":      tableColumnCountBetween,
		"expect_table_columns_to_match_ordered_list":   tableColumnsOrdered,
		"expect_table_columns_to_match_set":            tableColumnsSet,
		"expect_column_to_exist":                       columnExists,
	}
}

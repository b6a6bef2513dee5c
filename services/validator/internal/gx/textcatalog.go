package gx

import (
	"maps"
	"slices"
	"strings"

	"github.com/leathq/leat/services/validator/internal/textual"
)

// piiKinds are the names of what textual finds.
var piiKinds = func() []string {
	var out []string
	for k := textual.Email; k <= textual.Key; k++ {
		out = append(out, k.String())
	}
	return out
}()

// ownTypes are expectations about texts that Great Expectations lacks, in its style.
var ownTypes = map[string]entry{
	"expect_column_text_language_to_be_in_set":               rows(must("language_set", aTexts), may("min_confidence", aShare)),
	"expect_column_text_token_count_to_be_between":           rows(append(between(aWhole), word("tokenizer", "estimate", "words"))...),
	"expect_column_text_control_characters_to_be_absent":     rows(),
	"expect_column_text_replacement_characters_to_be_absent": rows(),
	"expect_column_text_mojibake_to_be_absent":               rows(),
	"expect_column_text_pii_to_be_absent":                    rows(may("kinds", aTexts)),
	"expect_column_text_repetition_to_be_less_than":          rows(must("threshold", aShare), word("of", "ngrams", "lines"), may("n", aWhole)),
	"expect_column_text_pii_rate_to_be_between":              whole(append(between(aShare), may("kinds", aTexts))...),
	"expect_column_text_duplicate_rate_to_be_between":        whole(append(between(aShare), word("equal_if", "same_bytes", "same_words"))...),
	"expect_column_text_mean_token_count_to_be_between":      whole(append(between(aNumber), word("tokenizer", "estimate", "words"))...),
}

var ownBuilders = map[string]build{
	"expect_column_text_language_to_be_in_set":               textLanguage,
	"expect_column_text_token_count_to_be_between":           textTokens,
	"expect_column_text_control_characters_to_be_absent":     absent(textual.Controls),
	"expect_column_text_replacement_characters_to_be_absent": absent(textual.Replacements),
	"expect_column_text_mojibake_to_be_absent":               absent(textual.Mojibake),
	"expect_column_text_pii_to_be_absent":                    textPII,
	"expect_column_text_repetition_to_be_less_than":          textRepetition,
	"expect_column_text_pii_rate_to_be_between":              textPIIRate,
	"expect_column_text_duplicate_rate_to_be_between":        textDuplicateRate,
	"expect_column_text_mean_token_count_to_be_between":      textMeanTokens,
}

// joined is both tables in one.
func joined[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// textColumn finds the column and says why a check of texts fails for it, as GX says it of a regular expression for numbers.
func (b *builder) textColumn() (int, error) {
	c, err := b.column("column")
	if err != nil {
		return 0, err
	}
	t := b.plan.schema.Fields[c].Type
	if classOf(t) == isText || classOf(t) == isCategory && classOf(t.Elem[0].Type) == isText {
		return c, nil
	}
	return 0, pythonErrorf("The column %q holds no texts but %s; cast it to string to judge what it prints as.", b.text("column"), t)
}

// someBound refuses an expectation of a range that has no bound: it would hold for anything.
func (b *builder) someBound() error {
	if l := b.limits(); l.low == nil && l.high == nil {
		return refuse("min_value and max_value cannot both be None")
	}
	return nil
}

// words are a kwarg's names, each of which must be known; all of them where it is left out.
func (b *builder) words(kwarg string, known []string) ([]string, error) {
	list, given := b.arg(kwarg).([]any)
	if !given {
		return known, nil
	}
	if len(list) == 0 {
		return nil, refuse("%s must not be empty; known are %s", kwarg, strings.Join(known, ", "))
	}
	var out []string
	for _, v := range list {
		name := v.(string)
		if !slices.Contains(known, name) {
			return nil, refuse("%s: %q is none of %s", kwarg, name, strings.Join(known, ", "))
		}
		out = append(out, name)
	}
	return out, nil
}

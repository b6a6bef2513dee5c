package gx

import (
	"math"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/textual"
)

// judgeTexts registers a check of each text by itself. test is called for one batch at a time, and may be called for several batches at once;
// what it returns is called for the texts of that batch in order.
func (b *builder) judgeTexts(test func() func(text []byte) bool) error {
	c, err := b.textColumn()
	if err != nil {
		return err
	}
	return b.rows(&rowCheck{columns: []int{c}, counts: "column", test: func(p *pass, rows mask) (mask, error) {
		return goodTexts(p.view(c), rows, test()), nil
	}})
}

// goodTexts asks once for each entry of a dictionary, however many rows have it.
func goodTexts(v *view, rows mask, good func(text []byte) bool) mask {
	out := make(mask, words(v.n))
	if v.column.Kind() != arrowio.Dictionary {
		s := v.texts()
		rows.each(v.n, func(i int) bool {
			if good(s.At(i)) {
				out.set(i)
			}
			return true
		})
		return out
	}
	values, index := v.column.Dictionary()
	s := values.Strings()
	known := make([]int8, values.Len())
	rows.each(v.n, func(i int) bool {
		at := index(i)
		if known[at] == 0 {
			known[at] = -1
			if good(s.At(at)) {
				known[at] = 1
			}
		}
		if known[at] > 0 {
			out.set(i)
		}
		return true
	})
	return out
}

// stateless is a test that keeps nothing between texts.
func stateless(good func(text []byte) bool) func() func(text []byte) bool {
	return func() func(text []byte) bool { return good }
}

// absent makes the check that a count is zero.
func absent(count func(text []byte) int) build {
	return func(b *builder) error {
		return b.judgeTexts(stateless(func(text []byte) bool { return count(text) == 0 }))
	}
}

func textLanguage(b *builder) error {
	wanted := map[string]bool{}
	for _, l := range b.list("language_set") {
		code := l.(string)
		if !textual.KnowsLanguage(code) {
			return refuse("language_set: %q is no code of a language that can be told; use ISO 639-1's, such as \"en\", or \"und\" for texts too short to say", code)
		}
		wanted[code] = true
	}
	if len(wanted) == 0 {
		return refuse("language_set must not be empty")
	}
	least, _ := b.arg("min_confidence").(float64)
	return b.judgeTexts(stateless(func(text []byte) bool {
		code, confidence := textual.Language(text)
		if code != textual.Undetermined && confidence < least {
			code = textual.Undetermined
		}
		return wanted[code]
	}))
}

// tokenCounter is the kwarg tokenizer.
func (b *builder) tokenCounter() func(text []byte) int {
	if b.word("tokenizer", "estimate") == "words" {
		return textual.Words
	}
	return textual.Tokens
}

func textTokens(b *builder) error {
	if err := b.someBound(); err != nil {
		return err
	}
	count, l := b.tokenCounter(), b.limits()
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if n, ok := l.low.(int64); ok {
		low = n + int64(bit(l.strictLow))
	}
	if n, ok := l.high.(int64); ok {
		high = n - int64(bit(l.strictHigh))
	}
	return b.judgeTexts(stateless(func(text []byte) bool {
		n := int64(count(text))
		return n >= low && n <= high
	}))
}

func textPII(b *builder) error {
	has, err := b.hasPII()
	if err != nil {
		return err
	}
	return b.judgeTexts(stateless(func(text []byte) bool { return !has(text) }))
}

// hasPII is the kwarg kinds: a question that ends with the first finding of one of them.
func (b *builder) hasPII() (func(text []byte) bool, error) {
	names, err := b.words("kinds", piiKinds)
	if err != nil {
		return nil, err
	}
	var wanted [len(textual.Counts{}.Of)]bool
	for k := range wanted {
		for _, n := range names {
			wanted[k] = wanted[k] || textual.Kind(k).String() == n
		}
	}
	return func(text []byte) bool {
		found := false
		textual.Find(text, func(k textual.Kind, _, _ int) bool {
			found = found || wanted[k]
			return !found
		})
		return found
	}, nil
}

// gramWords is how many words make a run where the suite names no n: long enough that prose does not repeat one by chance.
const gramWords = 10

func textRepetition(b *builder) error {
	n, given := b.arg("n").(int64)
	lines := b.word("of", "ngrams") == "lines"
	switch {
	case given && lines:
		return refuse("n: it is the number of words in an n-gram, and has no meaning for \"of\": \"lines\"")
	case given && (n < 1 || n > 1000):
		return refuse("n: %d is not from 1 to 1000", n)
	case !given:
		n = gramWords
	}
	most, _ := b.arg("threshold").(float64)
	return b.judgeTexts(func() func(text []byte) bool {
		var r textual.Repeats // its tables serve one batch
		return func(text []byte) bool {
			if lines {
				return r.Lines(text) < most
			}
			return r.Ngrams(text, int(n)) < most
		}
	})
}

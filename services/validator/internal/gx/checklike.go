package gx

import (
	"fmt"
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/like"
)

func matchLike(b *builder) error    { return likes(b, []any{b.text("like_pattern")}, false, true) }
func notMatchLike(b *builder) error { return likes(b, []any{b.text("like_pattern")}, false, false) }

func matchLikeList(b *builder) error {
	return likes(b, b.list("like_pattern_list"), b.word("match_on", "any") == "all", true)
}

func notMatchLikeList(b *builder) error { return likes(b, b.list("like_pattern_list"), false, false) }

// likes matches texts against SQL LIKE patterns. GX has them for databases only; here they run, with SQLite's semantics,
// where the options ask for what a database would say.
func likes(b *builder, patterns []any, all, want bool) error {
	if !b.plan.options.SQL {
		return fmt.Errorf("%s: GX has no provider of LIKE for tables in memory. %s to run it as on SQLite, or use a regex", b.item.expectation.Type, askForSQL)
	}
	escape, size := utf8.DecodeRuneInString(b.text("escape"))
	if size == 0 {
		escape = 0
	}
	compiled := make([]*like.Pattern, len(patterns))
	for i, p := range patterns {
		var err error
		if compiled[i], err = like.CompileEscape(p.(string), escape); err != nil {
			return err
		}
	}
	c, err := b.column("column")
	if err != nil {
		return err
	}
	return b.rows(&rowCheck{columns: []int{c}, counts: "column", sql: true, test: func(p *pass, rows mask) (mask, error) {
		v := p.view(c)
		s, good := textOf(v, spelling{}), make(mask, words(v.n))
		rows.each(v.n, func(i int) bool {
			if matchesLike(compiled, s.At(i), all) == want {
				good.set(i)
			}
			return true
		})
		return good, nil
	}})
}

func matchesLike(patterns []*like.Pattern, text []byte, all bool) bool {
	for _, p := range patterns {
		if p.Match(text) != all {
			return !all
		}
	}
	return all
}

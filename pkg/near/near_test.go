package near_test

import (
	"testing"

	"github.com/leathq/leat/pkg/near"
)

func TestTheNearestWordIsNamed(t *testing.T) {
	known := []string{"parquet", "jsonl", "json", "csv"}
	for _, c := range []struct {
		word   string
		within int
		want   string
	}{
		{"parqet", 3, "parquet"}, {"josnl", 2, "jsonl"}, {"jsonk", 3, "jsonl"}, {"xml", 2, ""}, {"", 1, ""}, {"csv", 1, "csv"}, {"cvs", 2, "csv"}, {"parquette", 3, "parquet"}, {"parquette", 2, ""},
	} {
		if got := near.Word(c.word, known, c.within); got != c.want {
			t.Errorf("nearest to %q within %d is %q, want %q", c.word, c.within, got, c.want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"abcd", "acbd", 1}, {"a", "b", 1}} {
		if got, back := near.Distance(c.a, c.b), near.Distance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%q is %d from %q and %d back, want %d", c.a, got, c.b, back, c.want)
		}
	}
}

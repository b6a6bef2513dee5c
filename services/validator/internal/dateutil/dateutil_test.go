package dateutil_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/leathq/leat/services/validator/internal/dateutil"
)

var now = time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC)

type golden struct {
	text string
	want *string // nil: refused
}

func goldens(t testing.TB) []golden {
	t.Helper()
	f, err := os.Open("testdata/cases.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []golden
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &[]any{&g.text, &g.want}); err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

func outcome(at time.Time, err error) string {
	var raised *dateutil.RaisedError
	switch {
	case errors.As(err, &raised):
		return "raised"
	case err != nil:
		return "refused"
	case at.Nanosecond() > 0:
		return at.Format("2006-01-02T15:04:05.000000")
	}
	return at.Format("2006-01-02T15:04:05")
}

// Each text is accepted, and read, as dateutil reads it; the date read is compared too, since a wrong reading is a wrong verdict on
// the next text.
func TestAgreesWithDateutil(t *testing.T) {
	cases, read := goldens(t), 0
	for _, g := range cases {
		want := "refused"
		if g.want != nil {
			want = *g.want
			read++
		}
		at, err := dateutil.Parse(g.text, now)
		if got := outcome(at, err); got != want {
			t.Errorf("Parse(%q) = %s (%v), dateutil: %s", g.text, got, err, want)
		}
	}
	if len(cases) < 10_000 || read < 4000 {
		t.Fatalf("%d cases, of which %d can be read, are too few", len(cases), read)
	}
}

// What a text leaves out comes from the day: "31" is a date in January and none in June.
func TestDayOfNowFillsGaps(t *testing.T) {
	for month, ok := range map[time.Month]bool{time.January: true, time.June: false} {
		_, err := dateutil.Parse("31", time.Date(2026, month, 15, 0, 0, 0, 0, time.UTC))
		if (err == nil) != ok {
			t.Errorf("in %s: %v", month, err)
		}
	}
}

// No text makes the parser fail otherwise than by an error.
func FuzzParse(f *testing.F) {
	for i, g := range goldens(f) {
		if i%101 == 0 {
			f.Add(g.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := dateutil.Parse(text, now)
		if err == nil && (at.Year() < 1 || at.Year() > 9999) {
			t.Errorf("Parse(%q) = %v, outside Python's calendar", text, at)
		}
	})
}

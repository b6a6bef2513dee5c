package table_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// text reads a text as a type, and gives the value or the reason against it.
func text(t *testing.T, typ, s string) (any, error) {
	t.Helper()
	at, err := arrowio.ParseType(typ)
	if err != nil {
		t.Fatal(err)
	}
	b := arrowio.NewBuilder(&arrowio.Schema{Fields: []arrowio.Field{{Name: "c", Type: at}}})
	if err := table.AppendText(b.Column(0), []byte(s)); err != nil {
		if b.Rows() > 0 {
			t.Errorf("%s of %q is refused and appended", typ, s)
		}
		return nil, err
	}
	return b.Batch().Column(0).Value(0), nil
}

// Text becomes exactly the value that stands there, or is refused: never rounded, wrapped or guessed.
func TestAppendText(t *testing.T) {
	for _, c := range []struct{ typ, text, want string }{
		{"int8", "127", "127"}, {"int8", "128", "does not fit int8"}, {"int8", "-128", "-128"}, {"uint8", "-1", "does not fit uint8"}, {"uint8", "+7", "7"},
		{"int64", "9223372036854775807", "9223372036854775807"}, {"int64", "9223372036854775808", "does not fit int64"}, {"int64", "-9223372036854775808", "-9223372036854775808"},
		{"int64", "", "is no int64"}, {"int64", " 1", "is no int64"}, {"int64", "1.0", "is no int64"}, {"int64", "1e3", "is no int64"}, {"int64", "0x10", "is no int64"}, {"int64", "-", "is no int64"}, {"int64", "007", "7"},
		{"uint64", "18446744073709551615", "18446744073709551615"}, {"uint64", "18446744073709551616", "is no uint64"},
		{"double", "1.5e3", "1500"}, {"double", "1e400", "does not fit double"}, {"double", "inf", "+Inf"}, {"double", "NaN", "NaN"}, {"double", "1,5", "is no number"}, {"double", "0x1p3", "is no number"},
		{"float", "1e39", "does not fit float"}, {"bool", "TRUE", "true"}, {"bool", "0", "false"}, {"bool", "yes", "is no bool"},
		{"decimal128(5, 2)", "-123.45", "-2469/20"}, {"decimal128(5, 2)", "1.5e2", "150/1"}, {"decimal128(5, 2)", "1.100", "11/10"}, {"decimal128(5, 2)", "1.101", "more than 2 digits"},
		{"decimal128(5, 2)", "1000", "does not fit"}, {"decimal128(5, 2)", "1e999999999999", "is no number"}, {"decimal128(5, 2)", "1e300", "does not fit"}, {"decimal128(5, 2)", "--1", "is no number"}, {"decimal128(5, 2)", ".", "is no number"}, {"decimal128(38, 0)", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999/1"},
		{"date32", "2024-02-29", "2024-02-29 00:00:00 +0000 UTC"}, {"date32", "2023-02-29", "is no date"}, {"date32", "1969-12-31", "1969-12-31 00:00:00 +0000 UTC"}, {"date32", "2024-1-1", "is no date"}, {"date64[ms]", "2024-01-01", "2024-01-01 00:00:00 +0000 UTC"},
		{"time32[s]", "23:59:59", "23h59m59s"}, {"time32[s]", "24:00:00", "is no time"}, {"time32[s]", "01:02:03.5", "finer than"}, {"time64[us]", "01:02:03.000001", "1h2m3.000001s"}, {"time32[s]", "01:02", "1h2m0s"},
		{"timestamp[us, tz=UTC]", "2026-01-31T12:00:00Z", "2026-01-31 12:00:00 +0000 UTC"}, {"timestamp[us, tz=UTC]", "2026-01-31 12:00:00+02:00", "2026-01-31 10:00:00 +0000 UTC"},
		{"timestamp[us, tz=UTC]", "2026-01-31", "2026-01-31 00:00:00 +0000 UTC"}, {"timestamp[us, tz=Europe/Amsterdam]", "2026-07-01 12:00", "2026-07-01 12:00:00 +0200 CEST"},
		{"timestamp[us, tz=UTC]", "2026-01-31T12:00:00.1234567Z", "finer than"}, {"timestamp[us, tz=UTC]", "2026-01-31T12:00:00.123456000Z", "2026-01-31 12:00:00.123456 +0000 UTC"}, {"timestamp[us]", "2026-01-31T12:00:00Z", "has an offset"},
		{"timestamp[us]", "2026-01-31T12:00:00", "2026-01-31 12:00:00 +0000 UTC"}, {"timestamp[ns]", "2300-01-01", "does not fit"}, {"timestamp[ns]", "1969-12-31T23:59:59.999999999", "1969-12-31 23:59:59.999999999 +0000 UTC"}, {"timestamp[s]", "now", "is no timestamp"}, {"timestamp[s]", "2026-01-31Tx", "is no timestamp"}, {"timestamp[s]", "2026-01-31T12:00:00+2", "is no timestamp"},
		{"fixed_size_binary[2]", "abc", "has 3 bytes, not 2"}, {"string", "", ""}, {"dictionary<values=string, indices=int32>", "x", "x"}, {"dictionary<values=int64, indices=int8>", "x", "is no int64"}, {"dictionary<values=int64, indices=int8>", "5", "5"},
		{"duration[s]", "5", "cannot be read as duration"},
	} {
		v, err := text(t, c.typ, c.text)
		got := fmt.Sprint(v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%q as %s: %s, not %s", c.text, c.typ, got, c.want)
		}
	}
}

// A literal is of the kind that its text can be written back as.
func TestLiteral(t *testing.T) {
	for s, want := range map[string]arrowio.Kind{
		"0": arrowio.Int64, "-12": arrowio.Int64, "007": arrowio.String, "+1": arrowio.String, "9223372036854775808": arrowio.String, "-0": arrowio.Int64, "1.50": arrowio.Float64,
		"1e5": arrowio.Float64, "1E-5": arrowio.Float64, ".5": arrowio.String, "1.": arrowio.String, "1e": arrowio.String, "nan": arrowio.String, "True": arrowio.Bool, "t": arrowio.String, "": arrowio.String, "-": arrowio.String, "1 ": arrowio.String,
	} {
		if got := table.Literal([]byte(s)); got != want {
			t.Errorf("%q is %v, not %v", s, got, want)
		}
	}
}

// Bad records are too many beyond a number, or beyond a share of enough of them.
func TestTolerance(t *testing.T) {
	for _, c := range []struct {
		yaml     string
		bad, all int64
		end      bool
		want     bool
	}{
		{"", 0, 0, true, false}, {"", 10, 1000, false, false}, {"", 11, 1000, false, true}, {"", 1, 1, false, false}, {"", 1, 1, true, true},
		{"max_bad: 5", 5, 5, true, false}, {"max_bad: 5", 6, 1000000, false, true}, {"max_bad: 0", 1, 1000000, false, true}, {"max_bad: 50%", 500, 1000, true, false}, {"max_bad: 0.5", 501, 1000, false, true}, {"max_bad: 100%", 9, 9, true, false},
	} {
		o := table.Options{}
		if err := yaml.Unmarshal([]byte(c.yaml), &o); err != nil {
			t.Fatal(err)
		}
		if got := o.MaxBad.Exceeded(c.bad, c.all, c.end); got != c.want {
			t.Errorf("%q: %d of %d at the end %v: %v", c.yaml, c.bad, c.all, c.end, got)
		}
	}
	for _, bad := range []string{"max_bad: -1", "max_bad: 101%", "max_bad: x", "max_bad: 1.5"} {
		if err := yaml.Unmarshal([]byte(bad), &table.Options{}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A path reaches into what is nested; a name with dots is a name.
func TestParsePath(t *testing.T) {
	for from, want := range map[string]string{"a.b": "1", "$.a": "1", "$.a.b[0]": "3", "$[2].x": "2", "$": "1", "$x": "1", "$.": "empty key", "$.a[": "no index", "$.a[-1]": "no index", "$.a[0]b": "comes . or ["} {
		steps, err := table.ParsePath(from)
		got := fmt.Sprint(len(steps))
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, not %s", from, got, want)
		}
	}
}

package datacmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/leathq/leat/pkg/dataset"
)

func table(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }

// spelled is a value in JSON, with <, > and & as they are.
func spelled(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// printIndented prints a value as JSON for programs and people.
func printIndented(out io.Writer, v any) error {
	text, err := spelled(v, "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", text)
	return err
}

// size is a number of bytes as people read it.
func size(n int64) string {
	f, unit := float64(n), ""
	for _, next := range []string{"Ki", "Mi", "Gi", "Ti"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, next
	}
	if unit == "" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %sB", f, unit)
}

// number is one with its thousands apart.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// clean makes a text that came from data harmless on a terminal, and short.
func clean(s string) string { return cut(s, 60) }

// cut is clean with a bound of its own, in characters.
func cut(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, s)
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func bound(s *string) string {
	if s == nil {
		return "-"
	}
	return clean(*s)
}

// verdict is what checks said, in a word.
func verdict(m *dataset.Manifest) string {
	worst := "-"
	if m.Suite != nil {
		worst = "valid"
		if !m.Suite.Success {
			return "NOT VALID"
		}
	}
	for _, v := range m.Verdicts { // one that is unknown yet holds nothing up
		switch v.Status {
		case "fail":
			return "NOT VALID"
		case "warn":
			worst = v.Status
		}
	}
	return worst
}

package pyunicode_test

import (
	"testing"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

// The classes have as many characters as Python 3.11 counts: sum(f(chr(c)) for c in range(0x110000)).
func TestClassesHavePythonsSizes(t *testing.T) {
	for name, c := range map[string]struct {
		table pyunicode.Table
		size  int
	}{
		"Word":      {pyunicode.Word, 133548},
		"Decimal":   {pyunicode.Decimal, 660},
		"Digit":     {pyunicode.Digit, 788},
		"Alpha":     {pyunicode.Alpha, 131756},
		"Space":     {pyunicode.Space, 29},
		"Printable": {pyunicode.Printable, 144516},
		"NameStart": {pyunicode.NameStart, 131975},
	} {
		n := 0
		for i := 0; i < len(c.table); i += 2 {
			n += int(c.table[i+1]-c.table[i]) + 1
			if !c.table.Has(c.table[i]) || !c.table.Has(c.table[i+1]) || i > 0 && c.table.Has(c.table[i]-1) {
				t.Fatalf("%s: Has is wrong about the range from %U", name, c.table[i])
			}
		}
		if n != c.size {
			t.Errorf("%s has %d characters, Python counts %d", name, n, c.size)
		}
	}
}

// Digits of every script count from 0 to 9.
func TestDecimalValues(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "9": 9, "\u0663": 3, "\uFF15": 5, "\U0001D7CE": 0, "\U0001D7D9": 1, "\U0001D7FF": 9, "\u00B2": -1, "a": -1} {
		if got := pyunicode.DecimalValue([]rune(text)[0]); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

// Simple case mappings, with those that only Unicode has.
func TestLower(t *testing.T) {
	for from, to := range map[rune]rune{'A': 'a', 'z': 'z', '\u0130': 'i', '\u212A': 'k', '\u1E9E': '\u00DF', '\U00010400': '\U00010428', '1': '1'} {
		if got := pyunicode.Lower(from); got != to {
			t.Errorf("Lower(%U) = %U, want %U", from, got, to)
		}
	}
}

// Names of groups in patterns are identifiers.
func TestIdentifier(t *testing.T) {
	for s, want := range map[string]bool{"a1": true, "_": true, "\u00E9": true, "1a": false, "": false, "a b": false, "a-": false} {
		if pyunicode.Identifier(s) != want {
			t.Errorf("Identifier(%q) is not %v", s, want)
		}
	}
}

package textual_test

import (
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/textual"
)

type finding struct {
	kind textual.Kind
	text string
}

func findings(text string) []finding {
	var out []finding
	textual.Find([]byte(text), func(k textual.Kind, from, to int) bool {
		out = append(out, finding{k, text[from:to]})
		return true
	})
	return out
}

// filler keeps a secret's shape out of scanners of this repository.
var filler = strings.Repeat("a1B2c3D4", 6)

// What is personal is found whole, and only that.
func TestFindsWhatIsThere(t *testing.T) {
	token := "eyJ" + filler[:20] + ".eyJ" + filler[:20] + "." + filler[:20]
	for _, c := range []struct {
		kind textual.Kind
		text string
	}{
		{textual.Email, "jane.doe+x@mail.example.co.uk"}, {textual.Email, "a@b-c.org"},
		{textual.IPv4, "8.8.8.8"}, {textual.IPv4, "93.184.216.34"},
		{textual.IPv6, "2606:4700:4700::1111"}, {textual.IPv6, "2a00:1450:4001:81b:0:0:0:200e"},
		{textual.Phone, "+49 (0) 30 1234567"}, {textual.Phone, "+1-212-555-0123"}, {textual.Phone, "(212) 555-0123"}, {textual.Phone, "212.555.0123"},
		{textual.Card, "4111 1111 1111 1111"}, {textual.Card, "378282246310005"}, {textual.Card, "5555-5555-5555-4444"}, {textual.Card, "6011111111111117"},
		{textual.IBAN, "DE89 3704 0044 0532 0130 00"}, {textual.IBAN, "GB82WEST12345698765432"},
		{textual.Key, "AKIA" + "ABCDEFGHIJ234567"}, {textual.Key, "ghp_" + filler[:36]}, {textual.Key, token},
		{textual.Key, "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----"},
		{textual.Key, "-----BEGIN PRIVATE KEY-----\n" + filler + "\r\n" + filler}, {textual.Key, `-----BEGIN PRIVATE KEY-----\n` + filler + `\n` + filler},
	} {
		for _, around := range [][2]string{{"", ""}, {"see ", " now"}, {"(", ")"}, {"“", "”"}, {"é ", ", and more"}, {"x: ", ".\n"}} {
			got := findings(around[0] + c.text + around[1])
			if len(got) != 1 || got[0] != (finding{c.kind, c.text}) {
				t.Errorf("in %q: %v, want one %s %q", around[0]+c.text+around[1], got, c.kind, c.text)
			}
		}
	}
}

// What only looks personal is left alone: a false alarm costs a good document.
func TestLeavesTheRestAlone(t *testing.T) {
	for _, text := range []string{
		"@", "a@", "@b.com", "a@b", "a@b.c", "a@.com", "user@localhost", "a@b.123", "decorate @property.setter now", "..@b.com",
		"127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.9", "203.0.113.7", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "v8.8.8.8", "8.8.8.8a", "0.0.0.0",
		"12:30:45", "::1", "fe80::1", "2001:db8::1", "std::vector", "a::b::c", "2024:01:02",
		"+1", "+12 34", "1+1234567890", "+0123456789", "+1234567890123456", "112-555-0123", "212-155-0123", "2125550123", "1234-212-555-0123", "212-555-01234",
		"4111 1111 1111 1112", "4111111111111", "1234567890123456", "9999999999999995", "0.4111111111111111", "x4111111111111111", "41111111111111111111",
		"DE89 3704 0044 0532 0130 01", "ZZ89370400440532013000", "DE893704004405320130", "de89370400440532013000",
		"sk-learn-is-a-library-and-not-a-key-at-all", "eyJ.eyJ.x", "-----BEGIN CERTIFICATE-----", "AKIA", "2020-01-02 2020-01-03", "3.14159265358979",
	} {
		if got := findings(text); len(got) > 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Findings do not overlap, lie within the text, and are counted as they are found.
func TestCountIsFind(t *testing.T) {
	text := "a@b.com,a@b.com 8.8.8.8 +1-212-555-0123 4111111111111111 a@b.comc@d.org"
	last, n, bytes := 0, 0, 0
	textual.Find([]byte(text), func(_ textual.Kind, from, to int) bool {
		if from < last || to <= from || to > len(text) {
			t.Errorf("%d to %d after %d", from, to, last)
		}
		last, n, bytes = to, n+1, bytes+to-from
		return true
	})
	c, sum := textual.Count([]byte(text)), 0
	for _, of := range c.Of {
		sum += of
	}
	if sum != n || c.Bytes != bytes || c.Of[textual.Email] < 3 {
		t.Errorf("%+v, found %d with %d bytes", c, n, bytes)
	}
}

// Control characters are counted, white space and letters are not.
func TestControls(t *testing.T) {
	for text, want := range map[string]int{"": 0, "a\tb\r\n": 0, "\x00\x07\x1b\x7f": 4, "\u0080\u009f\u00a0é": 2, "东\u2028": 0, "\xc2": 0} {
		if got := textual.Controls([]byte(text)); got != want {
			t.Errorf("%q has %d, want %d", text, got, want)
		}
	}
}

// Token counts follow the documented rule.
func TestTokens(t *testing.T) {
	for text, want := range map[string]int{"": 0, "a": 1, "a b": 2, "hello, world": 3, "extraordinary": 2, "12345": 2, "x\n\ny": 3, "  x": 2, "東京": 2, "été": 3, "😀": 2, "a_b": 3} {
		if got := textual.Tokens([]byte(text)); got != want {
			t.Errorf("%q has %d, want %d", text, got, want)
		}
	}
}

// Repetition is none in a text that never repeats, nearly all in one that only repeats, and does not depend on texts before.
func TestRepeats(t *testing.T) {
	var r textual.Repeats
	once := "one two three four five six seven eight nine ten"
	for range 2 {
		if got := r.Ngrams([]byte(once), 3); got != 0 {
			t.Errorf("no repetition is %v", got)
		}
		if got := r.Ngrams([]byte(strings.Repeat(once+" ", 100)), 5); got < 0.85 {
			t.Errorf("a hundred times the same is %v", got)
		}
		if got := r.Ngrams([]byte("a b c x a b c"), 3); got != 5.0/13 {
			t.Errorf("one run of 5 bytes in 13 is %v", got)
		}
		if got := r.Lines([]byte("ab\ncd\nab\n\n\nab")); got != 4.0/13 {
			t.Errorf("two lines of 2 bytes in 13 are %v", got)
		}
		if got := r.Ngrams(nil, 5) + r.Lines(nil); got != 0 {
			t.Errorf("nothing repeats by %v", got)
		}
	}
}

// No text makes a measure fail, and none is outside its range.
func FuzzMeasures(f *testing.F) {
	f.Add([]byte("a@b.com 8.8.8.8 +1-212-555-0123 4111111111111111 DE89370400440532013000 2606:4700::1 eyJ"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r textual.Repeats
		c := textual.Count(text)
		n, l := r.Ngrams(text, 3), r.Lines(text)
		if c.Bytes > len(text) || n < 0 || n > 1 || l < 0 || l > 1 || textual.Tokens(text) > len(text) || textual.Controls(text) > len(text) {
			t.Errorf("%+v %v %v of %d bytes", c, n, l, len(text))
		}
	})
}

func BenchmarkMeasures(b *testing.B) {
	text := []byte(strings.Repeat("The quick brown fox, born in 1995, jumps over 13 lazy dogs; see https://example.org/a?b=1.\nAgain and again: ", 25))
	var r textual.Repeats
	for name, f := range map[string]func(){
		"tokens": func() { textual.Tokens(text) }, "controls": func() { textual.Controls(text) }, "pii": func() { textual.Count(text) },
		"ngrams": func() { r.Ngrams(text, 5) }, "lines": func() { r.Lines(text) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

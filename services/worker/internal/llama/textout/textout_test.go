package textout_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/textout"
)

// play pushes pieces and returns what is shown after each, whether a stop string ended it, and the tokens shown.
func play(stops []string, pieces []string) (shown []string, tokens []int32, stopped bool) {
	w := textout.New(stops)
	take := func() {
		d, _ := w.Take()
		shown = append(shown, d.Text)
		tokens = append(tokens, d.Tokens...)
	}
	for i, p := range pieces {
		if stopped = w.Push(int32(i), []byte(p), nil); stopped {
			break
		}
		take()
	}
	w.Finish()
	take()
	return shown, tokens, stopped
}

func TestText(t *testing.T) {
	for name, c := range map[string]struct {
		stops, pieces []string
		want          []string // by push, the last is what Finish adds
		tokens        int
		stopped       bool
	}{
		"plain":                        {nil, []string{"a", "b"}, []string{"a", "b", ""}, 2, false},
		"control tokens are empty":     {nil, []string{"a", "", "b"}, []string{"a", "", "b", ""}, 3, false},
		"stop in one token":            {[]string{"X"}, []string{"a", "bXc", "d"}, []string{"a", "b"}, 2, true},
		"stop over tokens":             {[]string{"END"}, []string{"aE", "N", "D", "x"}, []string{"a", "", ""}, 1, true},
		"held back, then not a stop":   {[]string{"END"}, []string{"aE", "N", "x"}, []string{"a", "", "ENx", ""}, 3, false},
		"held back until the end":      {[]string{"END"}, []string{"aEN"}, []string{"a", "EN"}, 1, false},
		"repeated start":               {[]string{"aab"}, []string{"a", "a", "a", "b"}, []string{"", "", "a", ""}, 1, true},
		"the one that completes first": {[]string{"bcd", "c"}, []string{"abc", "d"}, []string{"ab"}, 1, true},
		"both complete, the longer":    {[]string{"c", "bc"}, []string{"abc"}, []string{"a"}, 1, true},
		"empty stops do nothing":       {[]string{""}, []string{"a"}, []string{"a", ""}, 1, false},
		"stop at the very start":       {[]string{"a"}, []string{"a"}, []string{""}, 0, true},
		"halves of a character":        {nil, []string{"\xe6\x97", "\xa5!"}, []string{"", "日!", ""}, 2, false},
		"a character in three":         {nil, []string{"x\xf0\x9f", "\x98", "\x80"}, []string{"x", "", "😀", ""}, 3, false},
		"never a character":            {nil, []string{"a\xff", "b"}, []string{"a\uFFFD", "b", ""}, 2, false},
		"cut off at the end":           {nil, []string{"a\xe6\x97"}, []string{"a", "\uFFFD"}, 1, false},
		"stop of many bytes":           {[]string{"日本"}, []string{"a日", "\xe6", "\x9c", "\xac"}, []string{"a", "", "", ""}, 1, true},
	} {
		got, tokens, stopped := play(c.stops, c.pieces)
		if strings.Join(got, "|") != strings.Join(c.want, "|") || len(tokens) != c.tokens || stopped != c.stopped {
			t.Errorf("%s: %q, %d tokens, stopped %v; want %q, %d, %v", name, got, len(tokens), stopped, c.want, c.tokens, c.stopped)
		}
	}
}

func TestLogprobsTravelWithTheirTokens(t *testing.T) {
	w := textout.New([]string{"END"})
	for i, p := range []string{"a", "E", "N", "x"} {
		w.Push(int32(i), []byte(p), &engine.TokenLogprob{ID: int32(i)})
		if d, _ := w.Take(); len(d.Tokens) != len(d.Logprobs) || len(d.Tokens) > 0 && d.Tokens[0] != d.Logprobs[0].ID {
			t.Errorf("after %q: tokens %v, log-probabilities %v", p, d.Tokens, d.Logprobs)
		}
	}
}

// FuzzText: however a text is cut into tokens, what is shown is whole characters, it is the text up to the first stop
// string that completes, and no stop string is in it.
func FuzzText(f *testing.F) {
	f.Add("hello END world", "END", uint16(0x5a5a))
	f.Add("日本語 text", "本", uint16(0xffff))
	f.Add("aaaab", "aab", uint16(3))
	f.Fuzz(func(t *testing.T, text, stop string, cuts uint16) {
		if !utf8.ValidString(text) || !utf8.ValidString(stop) || len(text) > 1<<12 {
			return
		}
		var pieces []string
		last := 0
		for i := 1; i < len(text); i++ {
			if cuts>>(i%16)&1 == 1 {
				pieces, last = append(pieces, text[last:i]), i
			}
		}
		pieces = append(pieces, text[last:])
		shown, _, stopped := play([]string{stop}, pieces)
		for _, s := range shown {
			if !utf8.ValidString(s) {
				t.Fatalf("%q is no whole text", s)
			}
		}
		want, _, found := text, "", false
		if stop != "" {
			want, _, found = strings.Cut(text, stop)
		}
		if got := strings.Join(shown, ""); got != want || stopped != found {
			t.Fatalf("text %q in %q, stop %q: shown %q, stopped %v", text, pieces, stop, got, stopped)
		}
	})
}

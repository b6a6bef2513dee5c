package sim_test

import (
	"testing"

	"github.com/leathq/leat/services/worker/internal/sim"
)

func FuzzTokenizerRoundTrip(f *testing.F) {
	for _, s := range []string{"", "Hello world", "  tabs\tand\n\nlines  ", "grüße, 世界 🙂", "<|im_start|>user\nhi<|im_end|>", "\x00\xff\xc3", "a\x00b"} {
		f.Add(s, true)
	}
	e, err := sim.New(sim.Config{}, sim.Deps{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close() })
	f.Fuzz(func(t *testing.T, text string, special bool) {
		ids, err := e.Tokenize(t.Context(), text, false, special)
		if err != nil {
			t.Fatal(err)
		}
		back, err := e.Detokenize(t.Context(), ids)
		if err != nil || back != text {
			t.Fatalf("%q became %v became %q (%v)", text, ids, back, err)
		}
	})
}

func TestSpecialTokens(t *testing.T) {
	e := open(t, sim.Config{})
	const text = "<|im_start|>user\nhi<|im_end|>"
	parsed, _ := e.Tokenize(t.Context(), text, true, true)
	spelled, _ := e.Tokenize(t.Context(), text, false, false)
	if parsed[0] != 256 || parsed[1] != 258 || parsed[len(parsed)-1] != 257 {
		t.Errorf("parsed as %v", parsed)
	}
	for _, id := range spelled {
		if id >= 256 && id <= 259 {
			t.Errorf("a spelled-out special token was read as one: %v", spelled)
		}
	}
}

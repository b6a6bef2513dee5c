package openai_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Any text comes out of a JSON parser as it went in, invalid bytes as U+FFFD, and never breaks an SSE line.
func TestTextRoundTrip(t *testing.T) {
	texts := []string{"", "plain", "\x00\x1f\x7f\"\\/\b\f\n\r\t", "é▁😀\u2028\u2029\u0085", "a\xffb\xe2\x96", "<script>&", "\ufffd", "\xed\xa0\x80"}
	for r := rune(0); r < 0x3000; r++ {
		texts = append(texts, string(r)+"x")
	}
	for _, text := range texts {
		b := openai.AppendText(nil, text)
		var back struct{ Prompt string }
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%q: %v in %s", text, err, b)
		}
		// A conversion to runes puts one U+FFFD for every invalid byte.
		if want := string([]rune(text)); back.Prompt != want {
			t.Errorf("%q came back as %q", text, back.Prompt)
		}
		if !utf8.Valid(b) || strings.ContainsAny(string(b), "\r\n\v\f\x1c\x1d\x1e\u0085\u2028\u2029") {
			t.Errorf("%q: %q would be cut into lines", text, b)
		}
	}
}

type completionLogprobs struct {
	Choices []struct {
		Logprobs struct {
			Tokens        []string              `json:"tokens"`
			TokenLogprobs []*float64            `json:"token_logprobs"`
			TopLogprobs   []map[string]*float64 `json:"top_logprobs"`
			TextOffset    []int                 `json:"text_offset"`
		} `json:"logprobs"`
	} `json:"choices"`
}

// What lm-evaluation-harness relies on: lists of one length, null first for an echo, and everywhere else the chosen
// token's number, bit for bit, in a dictionary that is not null.
func TestCompletionLogprobsHoldTheChosenToken(t *testing.T) {
	values := []float64{0, math.Copysign(0, -1), -1, -0.1, -1.8518438339233398, -9.313225746154785e-10, -1e-300, -123456789.123456789, 5e-324, -1e22, -745.1332191019411}
	var list []openai.TokenLogprob
	list = append(list, openai.TokenLogprob{ID: 99, Text: []byte("<s>"), Null: true})
	for i, v := range values {
		list = append(list, openai.TokenLogprob{ID: int32(i), Text: []byte{0xc3, byte(i)}, Logprob: v,
			Top: []openai.TopLogprob{{ID: 1000, Text: []byte("best"), Logprob: v / 2}, {ID: 1001, Text: []byte{0xc3, byte(i)}, Logprob: v * 2}}})
	}
	var got completionLogprobs
	if err := json.Unmarshal(openai.AppendCompletion(nil, head, []openai.Choice{{Logprobs: list}}, usage), &got); err != nil {
		t.Fatal(err)
	}
	lp := got.Choices[0].Logprobs
	if len(lp.Tokens) != len(list) || len(lp.TokenLogprobs) != len(list) || len(lp.TopLogprobs) != len(list) || len(lp.TextOffset) != len(list) {
		t.Fatalf("lists of different lengths: %+v", lp)
	}
	if lp.TokenLogprobs[0] != nil || lp.TopLogprobs[0] != nil {
		t.Errorf("first token: %v, %v; want null", lp.TokenLogprobs[0], lp.TopLogprobs[0])
	}
	for i, v := range values {
		chosen := lp.TokenLogprobs[i+1]
		inTop := lp.TopLogprobs[i+1][lp.Tokens[i+1]]
		if chosen == nil || inTop == nil || math.Float64bits(*chosen) != math.Float64bits(v) || math.Float64bits(*inTop) != math.Float64bits(v) {
			t.Errorf("logprob %v: chosen %v, in top_logprobs %v", v, chosen, inTop)
		}
		if len(lp.TopLogprobs[i+1]) != 3-min(1, sameLogprob(list[i+1])) {
			t.Errorf("logprob %v: alternatives %v", v, lp.TopLogprobs[i+1])
		}
	}
}

// sameLogprob is 1 where the alternative that spells like the chosen token has its number too and so counts as it.
func sameLogprob(t openai.TokenLogprob) int {
	if t.Top[1].Logprob == t.Logprob {
		return 1
	}
	return 0
}

// Offsets count characters from the start of the text, over all chunks of a stream and also where a token ends within one.
func TestTextOffsets(t *testing.T) {
	piece := func(text string) openai.TokenLogprob { return openai.TokenLogprob{Text: []byte(text)} }
	all := []openai.TokenLogprob{piece("é"), piece("ab"), piece("\xe2\x96"), piece("\x81"), piece("c"), piece("")}
	want := []int{0, 1, 3, 4, 4, 5}
	for split := range len(all) + 1 {
		s := openai.NewCompletionStream(head, false, 1)
		var offsets []int
		for _, part := range [][]openai.TokenLogprob{all[:split], all[split:]} {
			var got completionLogprobs
			event := s.AppendText(nil, 0, "", part, "")
			if err := json.Unmarshal([]byte(strings.TrimPrefix(string(event), "data: ")), &got); err != nil {
				t.Fatal(err)
			}
			offsets = append(offsets, got.Choices[0].Logprobs.TextOffset...)
		}
		if !slices.Equal(offsets, want) {
			t.Errorf("split at %d: offsets %v, want %v", split, offsets, want)
		}
	}
}

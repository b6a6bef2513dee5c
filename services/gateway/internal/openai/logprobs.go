package openai

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// TokenLogprob is one token, its log-probability and the most likely alternatives at its place.
type TokenLogprob struct {
	ID      int32
	Text    []byte // the token's bytes; may be a part of a character
	Logprob float64
	Null    bool // no probability: the first token of an echoed prompt
	Top     []TopLogprob
}

// TopLogprob is one alternative.
type TopLogprob struct {
	ID      int32
	Text    []byte
	Logprob float64
}

// appendChatLogprobs appends {"content":[…],"refusal":null}, or null for a nil list. Only the alternatives that were
// asked for are listed, as with OpenAI; a token that is not among them stands only for itself.
func appendChatLogprobs(b []byte, list []TokenLogprob) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = appendLogprobList(append(b, `{"content":`...), list)
	return append(b, `,"refusal":null}`...)
}

func appendLogprobList(b []byte, list []TokenLogprob) []byte {
	b = append(b, '[')
	for i := range list {
		t := &list[i]
		b = appendTokenBytes(comma(b, i), t.Text, t.Logprob)
		b = append(b, `,"top_logprobs":[`...)
		for j := range t.Top {
			b = append(appendTokenBytes(comma(b, j), t.Top[j].Text, t.Top[j].Logprob), '}')
		}
		b = append(b, "]}"...)
	}
	return append(b, ']')
}

func appendTokenBytes(b, text []byte, logprob float64) []byte {
	b = append(b, `{"token":`...)
	b = appendToken(b, text)
	b = append(b, `,"logprob":`...)
	b = appendFloat(b, logprob)
	b = append(b, `,"bytes":[`...)
	for i, v := range text {
		b = appendInt(comma(b, i), int(v))
	}
	return append(b, ']')
}

// appendCompletionLogprobs appends the four parallel lists of the completions API, or null for a nil list. offset is the
// number of characters of the answer's text before the first token; it returns that after the last one.
//
// Every element of top_logprobs but that of a Null token is an object that holds the chosen token with the identical
// number, whether or not it is among the alternatives: evaluation harnesses decide "greedy" by comparing the two.
func appendCompletionLogprobs(b []byte, list []TokenLogprob, offset int) ([]byte, int) {
	if list == nil {
		return append(b, "null"...), offset
	}
	b = append(b, `{"tokens":[`...)
	for i := range list {
		b = appendToken(comma(b, i), list[i].Text)
	}
	b = append(b, `],"token_logprobs":[`...)
	for i := range list {
		if b = comma(b, i); list[i].Null {
			b = append(b, "null"...)
		} else {
			b = appendFloat(b, list[i].Logprob)
		}
	}
	b = append(b, `],"top_logprobs":[`...)
	for i := range list {
		b = appendTop(comma(b, i), &list[i])
	}
	b = append(b, `],"text_offset":[`...)
	for i := range list {
		b = appendInt(comma(b, i), offset)
		offset += characters(list[i].Text)
	}
	return append(b, "]}"...), offset
}

// appendTop appends the chosen token and its alternatives by their text. Two tokens may spell the same bytes; the later
// one is then named by its id, so that no key appears twice and none is lost.
func appendTop(b []byte, t *TokenLogprob) []byte {
	if t.Null {
		return append(b, "null"...)
	}
	b = append(b, '{')
	b = appendToken(b, t.Text)
	b = append(b, ':')
	b = appendFloat(b, t.Logprob)
	for i := range t.Top {
		alt := &t.Top[i]
		same := bytes.Equal(alt.Text, t.Text)
		if same && (alt.ID == t.ID || alt.Logprob == t.Logprob) { // upstreams without ids leave them all alike
			continue
		}
		b = append(b, ',')
		if same || spelledBefore(t.Top[:i], alt.Text) {
			b = append(b, `"token_id:`...)
			b = append(appendInt(b, alt.ID), '"')
		} else {
			b = appendToken(b, alt.Text)
		}
		b = append(b, ':')
		b = appendFloat(b, alt.Logprob)
	}
	return append(b, '}')
}

func spelledBefore(tops []TopLogprob, text []byte) bool {
	return slices.ContainsFunc(tops, func(t TopLogprob) bool { return bytes.Equal(t.Text, text) })
}

// appendToken appends a token's text; where its bytes are not UTF-8 of their own it appends OpenAI's "bytes:\xe2\x96",
// which keeps different tokens different.
func appendToken(b, text []byte) []byte {
	if utf8.Valid(text) {
		return appendString(b, string(text))
	}
	b = append(b, `"bytes:`...)
	for _, v := range text {
		b = append(b, `\\x`...)
		b = append(b, hex[v>>4], hex[v&15])
	}
	return append(b, '"')
}

// characters counts the characters that begin in text, so that one spread over several tokens counts once.
func characters(text []byte) (n int) {
	for _, v := range text {
		if v&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

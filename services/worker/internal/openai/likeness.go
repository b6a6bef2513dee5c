package openai

import (
	"bytes"
	"unicode/utf8"
)

// likeness reads the chunks of a stream that differ from an earlier one in nothing but their text, or nothing but their
// reasoning: with the same bytes before and behind a plain string, the JSON says the same of all else. Parsing each took
// longer than relaying it.
type likeness struct {
	head, tail []byte
	reasoning  bool // what stands between them
}

// maxAlike bounds what is remembered of a chunk.
const maxAlike = 4 << 10

// read returns what a chunk that is like the one that was learnt generated.
func (l *likeness) read(b []byte) (a answer, ok bool) {
	text, ok := l.text(b)
	switch {
	case !ok:
		return a, false
	case l.reasoning:
		return answer{choice: true, reasoning: string(text)}, true
	}
	return answer{choice: true, text: string(text)}, true
}

// text returns the text of a chunk that is like the one that was learnt, within b.
func (l *likeness) text(b []byte) ([]byte, bool) {
	n := len(b) - len(l.tail)
	if len(l.head) == 0 || n < len(l.head) || !bytes.HasPrefix(b, l.head) || !bytes.Equal(b[n:], l.tail) {
		return nil, false
	}
	text := b[len(l.head):n]
	ascii := true
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' {
			return nil, false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return text, len(text) > 0 && (ascii || utf8.Valid(text))
}

// learn remembers a chunk that carries nothing but text, or nothing but reasoning.
func (l *likeness) learn(b []byte, a *answer) {
	text, at := a.text, a.at
	if text == "" {
		text, at = a.reasoning, a.thought
	}
	plain := (a.text == "") != (a.reasoning == "") && at >= 0 && a.finish == "" && a.logprobs == nil && a.calls == nil && !a.usage.given && !a.timings.given
	if !plain || len(b) > maxAlike {
		return
	}
	l.head = append(l.head[:0], b[:at]...)
	l.tail = append(l.tail[:0], b[at+len(text):]...)
	l.reasoning = a.text == ""
}

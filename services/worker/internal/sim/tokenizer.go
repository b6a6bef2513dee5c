package sim

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The tokeniser has no table: a token id spells its own bytes, so that every text has tokens and every text comes back
// as it was. A token is one of: a byte that is part of no character (ids 0–255), a special token (256–259), a character
// beyond ASCII (runeBase + code point), or one to four ASCII characters (asciiBase + 7 bits each, the first one lowest).
// White space begins a token and never ends one, as in the usual byte-pair vocabularies.
const (
	idBOS     int32 = 256
	idEOS     int32 = 257
	idIMStart int32 = 258
	idPAD     int32 = 259
	runeBase  int32 = 1 << 21
	asciiBase int32 = 1 << 28
)

// The special tokens as text; the end of a chat turn is the end of the text.
const (
	textBOS     = "<|begin_of_text|>"
	textEOS     = "<|im_end|>"
	textIMStart = "<|im_start|>"
	textPAD     = "<|pad|>"
)

var specials = [...]struct {
	id   int32
	text string
}{{idBOS, textBOS}, {idEOS, textEOS}, {idIMStart, textIMStart}, {idPAD, textPAD}}

// tokenize turns text into ids; parseSpecial reads spelled-out special tokens as such.
func tokenize(text string, addSpecial, parseSpecial bool) []int32 {
	ids := make([]int32, 0, len(text)/3+2)
	if addSpecial {
		ids = append(ids, idBOS)
	}
	for text != "" {
		if parseSpecial && text[0] == '<' {
			if id, n := specialAt(text); n > 0 {
				ids, text = append(ids, id), text[n:]
				continue
			}
		}
		id, n := next(text, parseSpecial)
		ids, text = append(ids, id), text[n:]
	}
	return ids
}

func specialAt(text string) (id int32, n int) {
	for _, s := range specials {
		if strings.HasPrefix(text, s.text) {
			return s.id, len(s.text)
		}
	}
	return 0, 0
}

// next takes the first token of a text that does not begin with a special one.
func next(text string, parseSpecial bool) (id int32, n int) {
	if text[0] >= utf8.RuneSelf {
		r, n := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && n == 1 {
			return int32(text[0]), 1
		}
		return runeBase + r, n
	}
	if text[0] == 0 {
		return 0, 1
	}
	id = asciiBase
	for n < len(text) && n < 4 && text[n] > 0 && text[n] < utf8.RuneSelf {
		if n > 0 && (isSpace(text[n]) || parseSpecial && text[n] == '<') {
			break
		}
		id |= int32(text[n]) << (7 * n)
		n++
	}
	return id, n
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// appendToken appends the bytes of a token, special tokens included.
func appendToken(b []byte, id int32) ([]byte, error) {
	switch {
	case id >= 0 && id < 256:
		return append(b, byte(id)), nil
	case id >= idBOS && id <= idPAD:
		return append(b, specials[id-idBOS].text...), nil
	case id >= runeBase+utf8.RuneSelf && id <= runeBase+utf8.MaxRune && utf8.ValidRune(id-runeBase):
		return utf8.AppendRune(b, id-runeBase), nil
	case id >= asciiBase && id < 2*asciiBase:
		start := len(b)
		for bits := id - asciiBase; bits > 0; bits >>= 7 {
			if bits&0x7f == 0 {
				return b[:start], unknownToken(id)
			}
			b = append(b, byte(bits&0x7f))
		}
		if len(b) > start {
			return b, nil
		}
	}
	return b, unknownToken(id)
}

func unknownToken(id int32) error {
	return fmt.Errorf("token id %d is not in the vocabulary: take ids from /tokenize of this model", id)
}

package native

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"unsafe"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// Vocab is a model's tokeniser. Its methods are safe for concurrent use.
type Vocab struct {
	lib      *Library
	v        llama.Vocab
	size     int
	Template string // the GGUF's chat template, Jinja; empty where it has none
	BOS      int32  // -1: none; likewise EOS and PAD
	EOS      int32
	PAD      int32

	mu      sync.Mutex
	pieces  [2][][]byte // by token: as text (control tokens empty), and spelled out
	eog     []bool
	control []bool
	longest int
}

func newVocab(l *Library, model llama.Model) (*Vocab, error) {
	v := &Vocab{lib: l, v: llama.ModelGetVocab(model)}
	if v.size = int(llama.VocabNTokens(v.v)); v.size <= 0 {
		return nil, errors.New("the model has no vocabulary: it cannot generate text")
	}
	v.Template = llama.ModelChatTemplate(model, "")
	v.BOS, v.EOS, v.PAD = int32(llama.VocabBOS(v.v)), int32(llama.VocabEOS(v.v)), int32(llama.VocabPAD(v.v))
	v.pieces[0], v.pieces[1] = make([][]byte, v.size), make([][]byte, v.size)
	v.eog, v.control = make([]bool, v.size), make([]bool, v.size)
	for i := range v.eog {
		v.eog[i] = llama.VocabIsEOG(v.v, llama.Token(i))
		v.control[i] = llama.VocabIsControl(v.v, llama.Token(i))
		v.longest = max(v.longest, len(llama.VocabGetText(v.v, llama.Token(i))))
	}
	return v, nil
}

// LongestPiece bounds the bytes of text that one token can stand for, at least 1.
func (v *Vocab) LongestPiece() int { return max(v.longest, 1) }

// Size is the number of tokens.
func (v *Vocab) Size() int { return v.size }

// EOG tells whether a token ends the generation.
func (v *Vocab) EOG(id int32) bool { return v.eog[id] }

// Control tells whether a token steers the model and is no text.
func (v *Vocab) Control(id int32) bool { return v.control[id] }

// Piece returns the bytes that a token adds to a text: nothing for control tokens, unless special spells them out.
// The slice is shared: do not change it.
func (v *Vocab) Piece(id int32, special bool) []byte {
	if id < 0 || int(id) >= v.size {
		return nil
	}
	k := 0
	if special {
		k = 1
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if p := v.pieces[k][id]; p != nil {
		return p
	}
	buf := make([]byte, 64)
	n := llama.TokenToPiece(v.v, llama.Token(id), buf, 0, special)
	if n < 0 {
		buf = make([]byte, -n)
		n = llama.TokenToPiece(v.v, llama.Token(id), buf, 0, special)
	}
	p := buf[:max(n, 0):max(n, 0)]
	v.pieces[k][id] = p
	return p
}

// Tokenize turns text into ids. Bytes that are not UTF-8 become U+FFFD.
func (v *Vocab) Tokenize(text string, addSpecial, parseSpecial bool) ([]int32, error) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > math.MaxInt32/2 {
		return nil, fmt.Errorf("text of %d bytes is too long to tokenise", len(text))
	}
	in := append([]byte(text), 0)
	ids := make([]int32, len(text)/3+16)
	for {
		n := v.lib.tokenize(uintptr(v.v), &in[0], int32(len(text)), unsafe.SliceData(ids), int32(len(ids)), addSpecial, parseSpecial)
		if n >= 0 {
			return ids[:n:n], nil
		}
		if n == math.MinInt32 || int(-n) <= len(ids) {
			return nil, errors.New("the tokeniser failed: the text has too many tokens")
		}
		ids = make([]int32, -n)
	}
}

// Detokenize turns ids into text, special tokens spelled out.
func (v *Vocab) Detokenize(ids []int32) (string, error) {
	var b strings.Builder
	for _, id := range ids {
		if id < 0 || int(id) >= v.size {
			return "", fmt.Errorf("token %d is outside the vocabulary: ids go from 0 to %d", id, v.size-1)
		}
		b.Write(v.Piece(id, true))
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD"), nil
}

// Text is a special token spelled out, or empty where id is none.
func (v *Vocab) Text(id int32) string {
	if id < 0 {
		return ""
	}
	return string(v.Piece(id, true))
}

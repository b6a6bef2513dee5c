// Package blocks keeps an answer as a row of blocks: reasoning, text and calls of tools, in the order in which they came.
// OpenAI's Responses and Anthropic's Messages are such rows; a chat completion is not, it has one place for each kind.
//
// The package spells nothing and knows no API. A Row belongs to one goroutine.
package blocks

import (
	"strings"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Kind is what a block holds.
type Kind uint8

// The kinds.
const (
	Reasoning Kind = iota
	Text
	Call
)

// Block is one part of an answer.
type Block struct {
	Kind      Kind
	Text      []byte // the reasoning, the text or the arguments of the call; empty in a row that does not keep
	ID, Name  string // of a call
	Signature string // of reasoning
	Logprobs  []openai.TokenLogprob
	call      int // a call's index in the answer
}

// Part is what one step added to an answer. Its fields come in this order.
type Part struct {
	Reasoning string
	Signature string // of the reasoning so far
	Text      string
	Logprobs  []openai.TokenLogprob // of Text, or of Reasoning where there is no text
	Calls     []openai.ToolCall     // or parts of them
}

// Sink is told how a row grows. i is the block's place in the row.
type Sink interface {
	// Open comes first.
	Open(i int, b *Block)
	// More is more of the block's text.
	More(i int, b *Block, text string, lp []openai.TokenLogprob)
	// Sign is the reasoning's signature.
	Sign(i int, b *Block)
	// Close comes when the next block opens, and at the end.
	Close(i int, b *Block)
}

// Row is an answer. The zero Row is empty and keeps nothing of the text.
type Row struct {
	Keep   bool // blocks hold their text
	Blocks []Block
	open   bool // the last block is
}

// Add takes what one step added. sink may be nil.
func (r *Row) Add(p *Part, sink Sink) {
	lp := p.Logprobs
	if p.Text == "" && p.Reasoning != "" {
		r.more(Reasoning, p.Reasoning, lp, sink)
		lp = nil
	} else if p.Reasoning != "" {
		r.more(Reasoning, p.Reasoning, nil, sink)
	}
	if p.Signature != "" {
		r.sign(p.Signature, sink)
	}
	if p.Text != "" || len(lp) > 0 && len(p.Calls) == 0 {
		r.more(Text, p.Text, lp, sink)
	}
	for i := range p.Calls {
		r.call(&p.Calls[i], sink)
	}
}

// End closes the last block.
func (r *Row) End(sink Sink) {
	if !r.open {
		return
	}
	r.open = false
	if i := len(r.Blocks) - 1; sink != nil {
		sink.Close(i, &r.Blocks[i])
	}
}

// Has reports whether there is a block of a kind.
func (r *Row) Has(k Kind) bool {
	for i := range r.Blocks {
		if r.Blocks[i].Kind == k {
			return true
		}
	}
	return false
}

// Begin opens an empty block.
func (r *Row) Begin(k Kind, sink Sink) { r.start(Block{Kind: k}, sink) }

// reach returns the last block where it is of this kind and open, and a new one otherwise.
func (r *Row) reach(k Kind, sink Sink) int {
	if last := len(r.Blocks) - 1; r.open && r.Blocks[last].Kind == k && r.Blocks[last].Signature == "" { // signed is whole
		return last
	}
	return r.start(Block{Kind: k}, sink)
}

func (r *Row) start(b Block, sink Sink) int {
	r.End(sink)
	r.Blocks, r.open = append(r.Blocks, b), true
	i := len(r.Blocks) - 1
	if sink != nil {
		sink.Open(i, &r.Blocks[i])
	}
	return i
}

// sign adds to the signature of the reasoning at the end. Reasoning that its provider shows nobody is a block of its own,
// which has its signature when it opens.
func (r *Row) sign(signature string, sink Sink) {
	if strings.HasPrefix(signature, openai.Redacted) {
		r.start(Block{Kind: Reasoning, Signature: signature}, sink)
		return
	}
	i := len(r.Blocks) - 1
	if !r.open || r.Blocks[i].Kind != Reasoning || strings.HasPrefix(r.Blocks[i].Signature, openai.Redacted) {
		i = r.start(Block{Kind: Reasoning}, sink)
	}
	r.Blocks[i].Signature += signature
	if sink != nil {
		sink.Sign(i, &r.Blocks[i])
	}
}

func (r *Row) more(k Kind, text string, lp []openai.TokenLogprob, sink Sink) {
	r.grow(r.reach(k, sink), text, lp, sink)
}

func (r *Row) grow(i int, text string, lp []openai.TokenLogprob, sink Sink) {
	b := &r.Blocks[i]
	if r.Keep {
		b.Text, b.Logprobs = append(b.Text, text...), append(b.Logprobs, lp...)
	}
	if sink != nil {
		sink.More(i, b, text, lp)
	}
}

// call adds a part of a call. An engine tells one call after the other; should it not, the part goes where it belongs.
func (r *Row) call(part *openai.ToolCall, sink Sink) {
	i := len(r.Blocks) - 1
	for ; i >= 0; i-- {
		if b := &r.Blocks[i]; b.Kind == Call && b.call == part.Index {
			break
		}
	}
	if i < 0 {
		i = r.start(Block{Kind: Call, ID: part.ID, Name: part.Name, call: part.Index}, sink)
	}
	if part.Arguments != "" {
		r.grow(i, part.Arguments, nil, sink)
	}
}

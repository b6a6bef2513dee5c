package native

import (
	"errors"
	"fmt"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// Token is one row of a batch: a token of a slot at a position, with or without logits.
type Token struct {
	ID     int32
	Pos    int
	Slot   int
	Logits bool
}

// Errors of Decode that leave the context usable.
var (
	// ErrAborted: Abort stopped the call; the batch's tokens may be partly in the cache.
	ErrAborted = errors.New("native: aborted")
	// ErrFull: the KV cache has no room; nothing changed.
	ErrFull = errors.New("native: KV cache is full")
)

// Decode runs one batch. Rows of one slot must follow each other with rising positions, from what the slot holds.
func (m *Model) Decode(rows []Token) error {
	if len(rows) == 0 || len(rows) > m.p.Batch {
		return fmt.Errorf("native: batch of %d tokens, the limit is %d", len(rows), m.p.Batch)
	}
	if err := m.batch.Clear(); err != nil {
		return err
	}
	for _, t := range rows {
		if t.ID < 0 || int(t.ID) >= m.Size() || t.Slot < 0 || t.Slot >= m.p.Slots || t.Pos < 0 || t.Pos >= m.p.Context {
			return fmt.Errorf("native: token %d at position %d of slot %d is outside the model's bounds", t.ID, t.Pos, t.Slot)
		}
		m.seqIDs[0] = llama.SeqId(t.Slot)
		if err := m.batch.Add(llama.Token(t.ID), llama.Pos(t.Pos), m.seqIDs[:], t.Logits); err != nil {
			return err
		}
	}
	code, err := llama.Decode(m.ctx, m.batch)
	switch {
	case err != nil:
		return err
	case code == 0:
		return nil
	case code == 1:
		return ErrFull
	case code == 2:
		return ErrAborted
	default:
		return fmt.Errorf("native: llama_decode failed with code %d", code)
	}
}

// Logits returns the row of logits of the i-th token of the last batch, which must have asked for them. The memory is
// the context's: it is overwritten by the next Decode, and may be changed by the caller until then.
func (m *Model) Logits(i int) ([]float32, error) {
	row, err := llama.GetLogitsIth(m.ctx, int32(i), m.Size())
	if err == nil && row == nil {
		err = fmt.Errorf("native: no logits for batch row %d", i)
	}
	return row, err
}

// Trim removes a slot's tokens from position pos on. False: this model's cache cannot be cut there.
func (m *Model) Trim(slot, pos int) bool {
	if slot < 0 || slot >= m.p.Slots {
		return false
	}
	ok, err := llama.MemorySeqRm(m.mem, llama.SeqId(slot), llama.Pos(pos), -1)
	return ok && err == nil
}

// Copy makes slot dst hold what slot src holds up to position n. False: this model's cache cannot be cut there; dst
// is then empty.
func (m *Model) Copy(src, dst, n int) bool {
	if src == dst || src < 0 || dst < 0 || src >= m.p.Slots || dst >= m.p.Slots {
		return false
	}
	// Between streams of a split cache only whole sequences can be copied.
	if !m.Trim(dst, 0) || llama.MemorySeqCp(m.mem, llama.SeqId(src), llama.SeqId(dst), -1, -1) != nil {
		return false
	}
	if !m.Trim(dst, n) {
		m.Trim(dst, 0)
		return false
	}
	return true
}

package pyre

import (
	"bytes"
	"fmt"
)

// Texts is a column of texts: row i is Data from offset i to offset i+1. One of the offsets is set, with one more entry than rows.
type Texts struct {
	Offsets32 []int32
	Offsets64 []int64
	Data      []byte
}

// Rows is the number of rows.
func (t Texts) Rows() int { return max(len(t.Offsets32), len(t.Offsets64), 1) - 1 }

// span is where row i begins and ends in Data; from is where the first one does.
func (t Texts) span(i int) (from, to int) {
	if t.Offsets64 != nil {
		return int(t.Offsets64[i]), int(t.Offsets64[i+1])
	}
	return int(t.Offsets32[i]), int(t.Offsets32[i+1])
}

func (t Texts) from() int {
	from, _ := t.span(0)
	return from
}

// Bits is a bitmap as Arrow has it: row i is bit (Offset+i)%8 of byte (Offset+i)/8. As an input, no bytes means that all bits are set.
type Bits struct {
	Bytes  []byte
	Offset int
}

func (b Bits) get(i int) bool {
	if b.Bytes == nil {
		return true
	}
	i += b.Offset
	return b.Bytes[i>>3]>>(i&7)&1 == 1
}

func (b Bits) put(i int, on bool) {
	i += b.Offset
	mask := byte(1) << (i & 7)
	if on {
		b.Bytes[i>>3] |= mask
	} else {
		b.Bytes[i>>3] &^= mask
	}
}

// SearchAll searches every valid row and notes in out which hold a match; rows that are not valid get a clear bit. Text that every match
// must hold is looked for over all rows at once, so that rows without it cost next to nothing.
func (r *Regexp) SearchAll(t Texts, valid, out Bits) error {
	if t.Offsets64 != nil {
		return searchAll(r, t.Offsets64, t.Data, valid, out)
	}
	return searchAll(r, t.Offsets32, t.Data, valid, out)
}

func searchAll[O int32 | int64](r *Regexp, offsets []O, data []byte, valid, out Bits) error {
	if len(offsets) < 2 {
		return nil
	}
	e := r.borrow()
	defer r.giveBack(e)
	if r.fixed != nil && out.Offset == 0 && len(out.Bytes) == (len(offsets)+62)/64*8 { // whole words: nobody else's bits are in them
		return fixedAll(r, e, offsets, data, valid, out)
	}
	whole := data[:offsets[len(offsets)-1]]
	hit, without := -1, 0
	lit := r.lit
	var wait lane
	for i := 0; i+1 < len(offsets); i++ {
		from, to := int(offsets[i]), int(offsets[i+1])
		there := valid.get(i)
		if there && len(lit) > 0 && hit < from {
			hit = nextHit(whole, lit, from)
		}
		if !there || len(lit) > 0 && hit+len(lit) > to {
			out.put(i, false)
			without++
			continue
		}
		if i == litAfter && without < litAfter/2 && to-int(offsets[0]) < litAfter*shortest && e.auto != nil && r.exact {
			lit = nil // short texts that mostly hold it: looking for it costs more than it saves
		}
		if e.abreast(r) {
			wait.add(e, whole[from:to], i, out)
			continue
		}
		ok, err := e.search(r, whole[from:to])
		if err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		out.put(i, ok)
	}
	wait.end(e, out)
	return nil
}

// litAfter is after how many rows it is known whether looking for the literal pays.
const litAfter = 64

// lane gathers rows that are searched side by side.
type lane struct {
	texts [lanes][]byte
	rows  [lanes]int
	n     int
}

// abreast says whether searching is walking the automaton and nothing else.
func (e *engine) abreast(r *Regexp) bool {
	return r.exact && r.fixed == nil && r.tail == nil && e.auto != nil && e.auto.special == found && e.auto.first > found
}

func (l *lane) add(e *engine, text []byte, row int, out Bits) {
	l.texts[l.n], l.rows[l.n] = text, row
	if l.n++; l.n < lanes {
		return
	}
	var ok [lanes]bool
	e.auto.together(&l.texts, &ok)
	for k, row := range l.rows {
		out.put(row, ok[k])
	}
	l.n = 0
}

// end searches what is left.
func (l *lane) end(e *engine, out Bits) {
	for k := range l.n {
		out.put(l.rows[k], e.auto.search(l.texts[k]))
	}
}

// nextHit is the place of lit in data from a place on, or the data's length.
func nextHit(data, lit []byte, from int) int {
	if at := bytes.Index(data[from:], lit); at >= 0 {
		return from + at
	}
	return len(data)
}

package distinct

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/services/validator/internal/presence"
)

var seed, factor = rand.Uint64(), rand.Uint64() | 1

// hashWord folds a product of 128 bits, as wyhash does.
func hashWord(w uint64) uint32 {
	high, low := bits.Mul64(w^seed, factor)
	return uint32((high ^ low) >> 32)
}

// hash is that of a text that is not short, with its digest where it may be kept as one.
func (s *State) hash(b []byte) (uint32, xxh3.Uint128) {
	if s.options.Digests && len(b) >= longText {
		sum := xxh3.Hash128Seed(b, seed)
		return uint32(sum.Hi >> 32), sum
	}
	return uint32(xxh3.HashSeed(b, seed) >> 32), xxh3.Uint128{}
}

// shortest texts lie in their entries: this bit, the length in the rest of the upper byte, and up to seven bytes.
const inside = 1 << 63

// word is a text that is short enough as an entry has it.
func word(b []byte) (w uint64, short bool) {
	if len(b) > 7 {
		return 0, false
	}
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w | inside | uint64(len(b))<<56, true
}

// shorts gathers a batch of texts as words where all are short.
func shorts[O ~int32 | ~int64](s *State, data []byte, offsets []O, there presence.Mask, from int) (n int, all bool) {
	all = there.All()
	for i := range len(offsets) - 1 {
		begin, size := int(offsets[i]), int(offsets[i+1]-offsets[i])
		if size > 7 {
			return 0, false
		}
		var w uint64
		if begin+8 <= len(data) {
			w = binary.LittleEndian.Uint64(data[begin:])&(1<<(8*size)-1) | inside | uint64(size)<<56
		} else {
			w, _ = word(data[begin : begin+size])
		}
		s.keys[n], s.at[n] = w, s.rows+uint64(i)
		if all || there.Has(from+i) {
			n++
		}
	}
	return n, true
}

// text is that of an entry, valid until the next call.
func (s *State) text(w uint64) []byte {
	if w&inside == 0 {
		return s.texts.at(w)
	}
	binary.LittleEndian.PutUint64(s.scratch[:], w)
	return s.scratch[:w>>56&0x7F]
}

// is says whether an entry's word is the text b, whose own word is w where it is short.
func (s *State) is(entry, w uint64, short bool, b []byte, sum xxh3.Uint128) bool {
	switch {
	case short || entry&inside != 0:
		return short && entry == w
	case entry&digested != 0:
		return len(b) >= longText && s.texts.sums(entry, sum)
	}
	return bytes.Equal(s.texts.at(entry), b)
}

// keep gives a new text a word.
func (s *State) keep(w uint64, short bool, b []byte, sum xxh3.Uint128) uint64 {
	switch {
	case short:
		return w
	case s.options.Digests && len(b) >= longText:
		return s.texts.digest(sum)
	case s.lending:
		return s.texts.lend(b)
	}
	return s.texts.add(b)
}

// told keeps the text of an entry of which only the digest is known, and which another row has brought again.
func (s *State) told(e uint32, b []byte) {
	if w := s.list[e].word; w&inside == 0 && w&digested != 0 {
		s.list[e].word = s.texts.add(b)
	}
}

// table finds entries by hash: linear probing over slots of hash<<32 | entry+1, the place given by the hash's upper bits, so that growing reads and writes in order. Zero slots are free.
type table struct {
	slots []uint64
	shift uint
	used  int
	warm  uint64
}

// fewEntries take less than half a megabyte.
const fewEntries = 1 << 14

// page is what the kernel gives memory by.
const page = 4096

// reserve makes room for n more entries at a load of at most three quarters.
func (t *table) reserve(n int) {
	need := (t.used + n) * 4 / 3
	if need < len(t.slots) {
		return
	}
	width := max(bits.Len(uint(need)), 10)
	old := t.slots
	t.slots, t.shift = make([]uint64, 1<<width), uint(64-width)
	for i := 0; i < len(t.slots); i += page / 8 {
		t.slots[i] = 0 // a page that is read first costs the kernel twice
	}
	for _, s := range old {
		if s != 0 {
			t.link(s)
		}
	}
}

func (t *table) link(slot uint64) {
	mask := uint64(len(t.slots) - 1)
	i := slot >> t.shift
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = slot
}

// memory is what the table, entries and repeats take.
func (s *State) memory() int64 {
	return int64(8*len(s.table.slots)+24*len(s.list)+16*len(s.repeats)) + s.rising.memory() + s.texts.used
}

// reach makes room for n more entries and asks for the slots of hashes and then for the entries they name, so that what follows finds both in the cache: one miss after the other would cost
// ten times as much.
func (s *State) reach(hashes []uint32) {
	s.table.reserve(len(hashes))
	if need := len(s.list) + len(hashes); need > cap(s.list) {
		room := 2 * len(s.list)
		if len(s.list) < fewEntries { // each step touches new memory, which costs more than what is left unused
			room *= 2
		}
		grown := make([]entry, len(s.list), max(need, room)) // slices.Grow would touch the memory that is not used yet
		copy(grown, s.list)
		s.list = grown
	}
	t := &s.table
	if len(t.slots) < 1<<15 {
		return
	}
	var named [batch]uint32
	for i, h := range hashes {
		if slot := t.slots[uint64(h)<<32>>t.shift]; uint32(slot>>32) == h {
			named[i] = uint32(slot)
		}
	}
	var warm uint64
	for _, e := range named[:len(hashes)] {
		if e != 0 {
			warm += s.list[e-1].word
		}
	}
	t.warm = warm
}

// putWords adds the first n of the keys that were gathered.
func (s *State) putWords(n int) {
	var hashes [batch]uint32
	for i, w := range s.keys[:n] {
		hashes[i] = hashWord(w)
	}
	s.reach(hashes[:n])
	t := &s.table
	mask := uint64(len(t.slots) - 1)
	for i, w := range s.keys[:n] {
		h := hashes[i]
		for at := uint64(h) << 32 >> t.shift; ; at = (at + 1) & mask {
			slot := t.slots[at]
			if slot == 0 {
				t.slots[at] = uint64(h)<<32 | uint64(len(s.list)+1)
				s.fresh(w, s.at[i])
				break
			}
			if e := uint32(slot) - 1; uint32(slot>>32) == h && s.list[e].word == w {
				s.again(e, s.at[i])
				break
			}
		}
	}
	s.count += uint64(n)
}

// putTexts adds the first n of the texts that were gathered.
func (s *State) putTexts(n int) {
	var hashes [batch]uint32
	for i, b := range s.values[:n] {
		w, short := word(b)
		if s.keys[i] = w; short {
			hashes[i] = hashWord(w)
		} else {
			hashes[i], s.sums[i] = s.hash(b)
		}
	}
	s.reach(hashes[:n])
	t := &s.table
	mask := uint64(len(t.slots) - 1)
	for i, b := range s.values[:n] {
		h := hashes[i]
		for at := uint64(h) << 32 >> t.shift; ; at = (at + 1) & mask {
			slot := t.slots[at]
			if slot == 0 {
				t.slots[at] = uint64(h)<<32 | uint64(len(s.list)+1)
				s.fresh(s.keep(s.keys[i], s.keys[i] != 0, b, s.sums[i]), s.at[i])
				break
			}
			if e := uint32(slot) - 1; uint32(slot>>32) == h && s.is(s.list[e].word, s.keys[i], s.keys[i] != 0, b, s.sums[i]) {
				s.told(e, b)
				s.again(e, s.at[i])
				break
			}
		}
	}
	s.count += uint64(n)
}

func (s *State) fresh(word, row uint64) {
	s.list = append(s.list, entry{word, 1, row})
	s.table.used++
}

func (s *State) again(e uint32, row uint64) {
	s.list[e].count++
	if s.options.Repeats < 0 || len(s.repeats) < s.options.Repeats {
		s.repeats = append(s.repeats, repeat{row, e})
	}
}

// find returns the entry of a value, which for numbers is eight bytes; where there is none and add says so, a new one without a count.
func (s *State) find(value []byte, add bool) (at uint32, found bool) {
	if add {
		s.table.reserve(1)
	} else if len(s.table.slots) == 0 {
		return 0, false
	}
	number := s.kind != Bytes
	var w uint64
	var h uint32
	short := false
	if number {
		w = binary.LittleEndian.Uint64(value)
	} else {
		w, short = word(value)
	}
	var sum xxh3.Uint128
	if h = hashWord(w); !number && !short {
		h, sum = s.hash(value)
	}
	t := &s.table
	mask := uint64(len(t.slots) - 1)
	i := uint64(h) << 32 >> t.shift
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		slot := t.slots[i]
		e := uint32(slot) - 1
		if uint32(slot>>32) == h && (number && s.list[e].word == w || !number && s.is(s.list[e].word, w, short, value, sum)) {
			return e, true
		}
	}
	if !add {
		return 0, false
	}
	if !number {
		w = s.keep(w, short, value, sum)
	}
	t.slots[i] = uint64(h)<<32 | uint64(len(s.list)+1)
	s.fresh(w, 0)
	return uint32(len(s.list) - 1), false
}

// value returns the bytes of an entry, valid until the next call.
func (s *State) value(e int) []byte {
	if s.kind == Bytes {
		return s.text(s.list[e].word)
	}
	binary.LittleEndian.PutUint64(s.scratch[:], s.list[e].word)
	return s.scratch[:]
}

// put adds an entry of another table. Where both have it, the later of the first rows becomes a repeat. The caller calls tidy after the last.
func (s *State) put(x Entry) {
	e, found := s.find(x.Value, true)
	own := &s.list[e]
	if !found {
		own.count, own.first = x.Count, x.First
	} else {
		own.count += x.Count
		late := max(x.First, own.first)
		own.first = min(x.First, own.first)
		if s.options.Repeats != 0 {
			s.repeats = append(s.repeats, repeat{late, e})
		}
	}
	for _, row := range x.Repeats {
		s.repeats = append(s.repeats, repeat{row, e})
	}
	if own.count > 1 && s.kind == Bytes {
		s.told(e, x.Value)
	}
}

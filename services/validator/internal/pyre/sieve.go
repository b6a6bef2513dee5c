package pyre

import (
	"unicode/utf8"
	"unsafe"
)

const (
	perScan = 8
	// tooOften is the part of places above which a window tells too little: it would fit some place of most texts.
	tooOften = 0.1
	// shortest is the mean length of texts, in bytes, from which a scan of all costs less than it saves.
	shortest = 64
	// mostWindows bounds what one pattern may ask to be looked for.
	mostWindows = 16
	// part is for how many bytes of a text it is known together which windows fit in them.
	part = 128
	// beyondASCII is set in what a scan finds where a text has such bytes.
	beyondASCII = 1 << perScan
	// beyondBlocks is how far scans may read behind the last block.
	beyondBlocks = 32 + windowLen - 1
)

// Sieve tells for many patterns at once, in one pass over a column, where matches may be: windows of three bytes that every match of a pattern has one of
// are looked for, eight at a time, by their halves (the fingerprints of Teddy in Hyperscan and Rust's regex, here with sets of bytes at each place and verified by
// the pattern's own automaton). Fill it before it is used; then any number of goroutines may.
type Sieve struct {
	scans    []scanned // up to eight windows each
	bits     int
	patterns []sifting
}

// scanned are windows that one scan looks for, in texts of ASCII and in others.
type scanned struct {
	halves [2]tables
	bytes  byteTables
}

// byteTables are for each place of windows one of all bytes of ASCII.
type byteTables [windowLen][utf8.RuneSelf]byte

func (t *byteTables) put(w *window, bit byte) {
	for k := range w {
		for b := range t[k] {
			if w[k] == anyByte || w[k].has(b) {
				t[k][b] |= bit
			}
		}
	}
}

// tables are for each place of windows those of the low and of the high halves.
type tables [2 * windowLen][16]byte

// put adds a window's bytes from 0 to below. Where any byte will do, that may be one of the next row, of whatever sort.
func (t *tables) put(w *window, below int, bit byte) {
	for k := range w {
		for b := range 256 {
			if w[k] == anyByte || b < below && w[k].has(b) {
				t[2*k][b&15] |= bit
				t[2*k+1][b>>4] |= bit
			}
		}
	}
}

// sifting is what a sieve looks for on behalf of a pattern: windows, a run, or windows that a run begins with.
type sifting struct {
	of    *Regexp
	masks [2]uint64 // in texts of ASCII, in others: bits of all scans together, those of a scan in a byte; 0: no windows
	run   runOf     // least is 0: no run
	reach reach
}

func (p *sifting) sifts() bool { return p.masks != [2]uint64{} || p.run.least > 0 }

// Add makes a pattern known, and returns its number.
func (s *Sieve) Add(r *Regexp) int {
	p := sifting{of: r}
	if r.root != nil && r.fixed == nil && r.tail == nil && sieves {
		p.reach = reachOf(r.root)
		if run := longRun(r.root); run.least >= windowLen*4 {
			p.run = run
			own := []window{{run.first, run.all, run.all}}
			s.watch(&p, own, own)
		} else {
			s.watch(&p, plainly.windows(r.root), widely.windows(r.root))
		}
	}
	s.patterns = append(s.patterns, p)
	return len(s.patterns) - 1
}

// watch gives windows, those for texts of ASCII and those for others, the same bits, if they tell enough and there is room for them.
func (s *Sieve) watch(p *sifting, ascii, wide []window) {
	n := max(len(ascii), len(wide))
	if n > mostWindows || s.bits+n > 64 {
		return
	}
	begin := s.bits
	if len(ascii) > 0 && plainly.any(ascii) <= tooOften {
		p.masks[0] = s.take(begin, ascii, 0)
	}
	if len(wide) > 0 && widely.any(wide) <= tooOften {
		p.masks[1] = s.take(begin, wide, 1)
	}
}

// take gives windows the bits from one on.
func (s *Sieve) take(bit int, ws []window, kind int) (mask uint64) {
	for i := range ws {
		if bit/perScan == len(s.scans) {
			s.scans = append(s.scans, scanned{})
		}
		own := &s.scans[bit/perScan]
		if own.halves[kind].put(&ws[i], []int{utf8.RuneSelf, 256}[kind], 1<<(bit%perScan)); kind == 0 {
			own.bytes.put(&ws[i], 1<<(bit%perScan))
		}
		mask |= 1 << bit
		bit++
	}
	s.bits = max(s.bits, bit)
	return mask
}

func (s *Sieve) empty() bool {
	for i := range s.patterns {
		if s.patterns[i].sifts() {
			return false
		}
	}
	return true
}

// Sifted is what a sieve found out about the rows of a column.
type Sifted struct {
	sieve  *Sieve
	texts  Texts
	rows   []uint64 // by row: the windows that may be there
	begins []int32  // by row: its first part
	parts  []uint64 // by part: the windows that may begin there
	high   []bool   // by row: it has bytes beyond ASCII
	broken []uint64 // rows that are not UTF-8, a bit each: of them nothing is known; nil: there are none
}

// Sift looks at all rows; nil where that would not pay. used is what it returned before, for texts that nobody asks about any more, or nil: its memory is used again.
func (s *Sieve) Sift(t Texts, used *Sifted) *Sifted {
	n := t.Rows()
	if n == 0 || s.empty() {
		return nil
	}
	_, to := t.span(n - 1)
	if to-t.from() < n*shortest {
		return nil
	}
	out := used
	if out == nil || out.sieve != s { // what another sieve marks is not all written over
		out = &Sifted{sieve: s}
	}
	out.texts, out.broken = t, nil
	out.rows, out.begins, out.high = cleared(out.rows, n), cleared(out.begins, n), cleared(out.high, n)
	if parts := (to-t.from())/part + n; cap(out.parts) < parts {
		out.parts = make([]uint64, 0, parts)
	}
	out.parts = out.parts[:0]
	for i := range out.rows {
		out.scan(i)
	}
	return out
}

// Done lets go of the texts, once nobody asks about them any more.
func (s *Sifted) Done() { s.texts = Texts{} }

// cleared is n zeros, in the memory of list if there is room.
func cleared[T any](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, n)
	}
	list = list[:n]
	clear(list)
	return list
}

// scan looks at a row. A scan may see windows that end in the next row; what is made of them looks at the row itself.
func (s *Sifted) scan(i int) {
	from, to := s.texts.span(i)
	s.begins[i] = int32(len(s.parts)) //nolint:gosec // a column has less than 2^31 parts of 128 bytes
	if from == to {
		return
	}
	blocks := (to - from + 31) / 32
	first := len(s.parts)
	s.parts = s.parts[:first+(blocks+3)/4]
	at := unsafe.Pointer(unsafe.SliceData(s.texts.Data[from:]))
	if from+blocks*32+beyondBlocks > len(s.texts.Data) { // the scan must not leave the data
		tail := append(append(make([]byte, 0, to-from+32+beyondBlocks), s.texts.Data[from:to]...), make([]byte, 32+beyondBlocks)...)
		at = unsafe.Pointer(unsafe.SliceData(tail))
	}
	high := len(s.sieve.scans) == 0
	for k := range s.sieve.scans {
		c, marks := &s.sieve.scans[k], unsafe.Add(unsafe.Pointer(&s.parts[first]), k)
		found := uint64(beyondASCII)
		switch {
		case high:
		case sieves512:
			found = scanASCII(at, blocks, &c.bytes, marks)
		default:
			found = scan(at, blocks, &c.halves[0], marks)
		}
		if high = found >= beyondASCII; high {
			found = scan(at, blocks, &c.halves[1], marks)
		}
		s.rows[i] |= (found & 0xFF) << (k * perScan)
	}
	s.high[i] = high
	if high && !utf8.Valid(s.texts.Data[from:to]) {
		if s.broken == nil {
			s.broken = make([]uint64, (len(s.rows)+63)/64)
		}
		s.broken[i>>6] |= 1 << (i & 63)
	}
}

// whole reports whether nothing is known of a row.
func (s *Sifted) whole(i int) bool { return s.broken != nil && s.broken[i>>6]>>(i&63)&1 == 1 }

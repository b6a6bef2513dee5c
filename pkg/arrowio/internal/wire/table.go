package wire

import "encoding/binary"

// cursor is a flatbuffer being read. Its first error stays, and all reads after it give zeros, so that callers check once at the end of a part.
type cursor struct {
	data  []byte
	texts int // bytes of text that were read: parts may share text, and a short message could name much of it
	err   error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = malformed("metadata", format, args...)
	}
}

// at is n bytes at a position, or zeros after an error.
func (c *cursor) at(pos, n int) []byte {
	if c.err != nil || pos < 0 || n < 0 || pos > len(c.data)-n {
		c.fail("position %d lies outside its %d bytes", pos, len(c.data))
		return make([]byte, min(max(n, 0), 8))
	}
	return c.data[pos : pos+n]
}

func (c *cursor) u16(pos int) int   { return int(binary.LittleEndian.Uint16(c.at(pos, 2))) }
func (c *cursor) i32(pos int) int   { return int(int32(binary.LittleEndian.Uint32(c.at(pos, 4)))) }
func (c *cursor) i64(pos int) int64 { return int64(binary.LittleEndian.Uint64(c.at(pos, 8))) }

// table is a table of a flatbuffer: field i is where its vtable says. The zero table has no fields.
type table struct {
	c   *cursor
	pos int
}

func (c *cursor) root() table { return c.table(0) }

// table follows the reference at pos.
func (c *cursor) table(pos int) table {
	to := pos + c.i32(pos)
	if c.err != nil || to <= pos {
		c.fail("a reference at %d goes nowhere", pos)
		return table{}
	}
	return table{c, to}
}

// field is where field i lies, 0 where it is not there.
func (t table) field(i int) int {
	if t.c == nil {
		return 0
	}
	v := t.pos - t.c.i32(t.pos)
	if size := t.c.u16(v); 4+2*i+2 > size || t.c.err != nil {
		return 0
	}
	off := t.c.u16(v + 4 + 2*i)
	if off == 0 || t.c.err != nil {
		return 0
	}
	return t.pos + off
}

func (t table) i8(i, missing int) int {
	if p := t.field(i); p != 0 {
		return int(int8(t.c.at(p, 1)[0]))
	}
	return missing
}

func (t table) i16(i, missing int) int {
	if p := t.field(i); p != 0 {
		return int(int16(t.c.u16(p)))
	}
	return missing
}

func (t table) i32(i, missing int) int {
	if p := t.field(i); p != 0 {
		return t.c.i32(p)
	}
	return missing
}

func (t table) i64(i int) int64 {
	if p := t.field(i); p != 0 {
		return t.c.i64(p)
	}
	return 0
}

func (t table) bool(i int) bool { return t.i8(i, 0) != 0 }

func (t table) sub(i int) (table, bool) {
	p := t.field(i)
	if p == 0 {
		return table{}, false
	}
	s := t.c.table(p)
	return s, s.c != nil
}

// vector is the elements of field i: n of them, each of the given size, at pos.
func (t table) vector(i, size int) (pos, n int) {
	p := t.field(i)
	if p == 0 {
		return 0, 0
	}
	pos = p + t.c.i32(p)
	n = t.c.i32(pos)
	if t.c.err != nil || pos <= p || n < 0 || n > (len(t.c.data)-pos-4)/size {
		t.c.fail("a list of %d does not fit", n)
		return 0, 0
	}
	return pos + 4, n
}

func (t table) text(i int) string {
	pos, n := t.vector(i, 1)
	if n == 0 {
		return ""
	}
	if t.c.texts += n; t.c.texts > len(t.c.data) {
		t.c.fail("its names and notes are longer than itself")
		return ""
	}
	return string(t.c.at(pos, n))
}

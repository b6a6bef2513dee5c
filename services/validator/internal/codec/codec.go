// Package codec writes and reads the bytes of partial states. States travel through a blob store, so what is read is foreign: every length is held against the bytes that are there
// before anything is allocated, and the first error sticks.
package codec

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Append grows by what its methods write. The zero value is ready; it cannot fail.
type Append []byte

// Header starts a state: four letters that name it, and its version.
func (a *Append) Header(name string, version byte) { *a = append(append(*a, name...), version) }

// Byte writes one byte.
func (a *Append) Byte(b byte) { *a = append(*a, b) }

// Uint writes an unsigned number in as few bytes as it takes.
func (a *Append) Uint(v uint64) { *a = binary.AppendUvarint(*a, v) }

// Int writes a signed number in as few bytes as it takes.
func (a *Append) Int(v int64) { *a = binary.AppendVarint(*a, v) }

// Word writes eight bytes, little endian.
func (a *Append) Word(v uint64) { *a = binary.LittleEndian.AppendUint64(*a, v) }

// Float writes a float64 with all its bits.
func (a *Append) Float(v float64) { a.Word(math.Float64bits(v)) }

// Bytes writes a length and as many bytes.
func (a *Append) Bytes(b []byte) {
	a.Uint(uint64(len(b)))
	*a = append(*a, b...)
}

// Reader reads what Append wrote. After the first error every method returns zero values; Err and Done say what was wrong and where. Not for concurrent use.
type Reader struct {
	data []byte
	at   int
	err  error
}

// NewReader reads data, which must not change meanwhile.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Fail records that the state is wrong, unless something was before.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %s; the state is damaged or from another version: run the stage again", r.at, fmt.Sprintf(format, args...))
	}
}

// Header reads a state's name and version, and refuses another name and a version above newest.
func (r *Reader) Header(name string, newest byte) byte {
	got := r.take(len(name))
	version := r.Byte()
	switch {
	case r.err != nil:
	case string(got) != name:
		r.Fail("this is %q, not a state of kind %q", got, name)
	case version == 0 || version > newest:
		r.Fail("version %d of a state of kind %q is not known (up to %d is)", version, name, newest)
	}
	return version
}

func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.data)-r.at {
		r.Fail("it ends after %d bytes where %d more are due", len(r.data), n)
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint reads an unsigned number.
func (r *Reader) Uint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.data[r.at:])
	if n <= 0 {
		r.Fail("no number is here")
		return 0
	}
	r.at += n
	return v
}

// Int reads a signed number.
func (r *Reader) Int() int64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Varint(r.data[r.at:])
	if n <= 0 {
		r.Fail("no number is here")
		return 0
	}
	r.at += n
	return v
}

// Count reads a number of things that take at least size bytes each, and refuses one that the rest of the data cannot hold.
func (r *Reader) Count(size int) int {
	v := r.Uint()
	if r.err == nil && v > uint64(r.Left()/max(size, 1)) {
		r.Fail("%d entries are announced and %d bytes are left", v, r.Left())
	}
	if r.err != nil {
		return 0
	}
	return int(v)
}

// Word reads eight bytes.
func (r *Reader) Word() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Float reads a float64.
func (r *Reader) Float() float64 { return math.Float64frombits(r.Word()) }

// Bytes reads a length and as many bytes: a view of the data.
func (r *Reader) Bytes() []byte { return r.take(r.Count(1)) }

// Raw reads n bytes: a view of the data.
func (r *Reader) Raw(n int) []byte { return r.take(n) }

// Left returns how many bytes have not been read.
func (r *Reader) Left() int { return len(r.data) - r.at }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Done returns the first error, or one that says that bytes are left over.
func (r *Reader) Done() error {
	if r.err == nil && r.Left() > 0 {
		r.Fail("%d bytes follow where the state should end", r.Left())
	}
	return r.err
}

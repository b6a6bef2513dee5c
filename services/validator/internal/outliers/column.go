package outliers

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/leathq/leat/services/validator/internal/codec"
	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// DefaultBytes bounds the memory of a column: 128 MiB, 14 million rows.
const DefaultBytes = 128 << 20

// Column keeps a numeric column in row order for a second look: 9 bytes a row, in memory up to the bound and in scratch files above it. Not for concurrent use. Close gives its scratch files back.
type Column struct {
	bytes   int64
	space   spill.Space
	rows    int64
	cells   []uint64
	there   []bool
	spilled []spill.Run
}

// NewColumn returns an empty column. bytes 0 is DefaultBytes; without a space Add refuses what goes beyond with spill.ErrNone.
func NewColumn(bytes int64, space spill.Space) *Column {
	if bytes <= 0 {
		bytes = DefaultBytes
	}
	return &Column{bytes: bytes, space: space}
}

// Rows returns how many rows were added.
func (c *Column) Rows() int64 { return c.rows }

// Close removes scratch files. The column cannot be used after that.
func (c *Column) Close() error {
	var err error
	for _, r := range c.spilled {
		err = errors.Join(err, r.Remove())
	}
	*c = Column{bytes: c.bytes, space: c.space}
	return err
}

// AddFloats adds the next rows; NaN is missing.
func AddFloats[T ~float32 | ~float64](c *Column, values []T, there presence.Mask) error {
	return add(c, len(values), func(i int) (uint64, bool) {
		v := values[i]
		return math.Float64bits(float64(v)), v == v && there.Has(i)
	})
}

// AddInts adds the next rows of integers of any width. Scan gives back their bits.
func AddInts[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](c *Column, values []T, there presence.Mask) error {
	return add(c, len(values), func(i int) (uint64, bool) { return uint64(values[i]), there.Has(i) })
}

const step = 1 << 12

func add(c *Column, n int, cell func(int) (uint64, bool)) error {
	for from := 0; from < n; from += step {
		if int64(len(c.cells))*9 > c.bytes {
			if err := c.flush(); err != nil {
				return err
			}
		}
		for i := from; i < min(from+step, n); i++ {
			v, ok := cell(i)
			if !ok {
				v = 0
			}
			c.cells, c.there = append(c.cells, v), append(c.there, ok)
		}
	}
	c.rows += int64(n)
	return nil
}

func (c *Column) flush() error {
	if c.space == nil {
		return fmt.Errorf("keep %d rows of a column: %w", c.rows, spill.ErrNone)
	}
	run, err := c.space.Create()
	if err != nil {
		return err
	}
	c.spilled = append(c.spilled, run)
	var cell [9]byte
	for i, v := range c.cells {
		binary.LittleEndian.PutUint64(cell[:], v)
		cell[8] = 0
		if c.there[i] {
			cell[8] = 1
		}
		if _, err := run.Write(cell[:]); err != nil {
			return fmt.Errorf("write a column to scratch space: %w", err)
		}
	}
	c.cells, c.there = c.cells[:0], c.there[:0]
	return nil
}

// Scan calls yield for every row that holds a value, in order: its number and its 64 bits as they were added (math.Float64frombits of floats). An error of yield ends it and is returned.
func (c *Column) Scan(yield func(row int64, bits uint64) error) error {
	return c.scan(func(row int64, bits uint64, there bool) error {
		if !there {
			return nil
		}
		return yield(row, bits)
	})
}

func (c *Column) scan(yield func(row int64, bits uint64, there bool) error) error {
	row := int64(0)
	for _, r := range c.spilled {
		n, err := scanRun(r, row, yield)
		if err != nil {
			return err
		}
		row += n
	}
	for i, v := range c.cells {
		if err := yield(row+int64(i), v, c.there[i]); err != nil {
			return err
		}
	}
	return nil
}

func scanRun(r spill.Run, row int64, yield func(int64, uint64, bool) error) (n int64, err error) {
	f, err := r.Open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := bufio.NewReaderSize(f, 1<<16)
	var cell [9]byte
	for {
		if _, err := io.ReadFull(in, cell[:]); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, fmt.Errorf("read a column from scratch space: %w", err)
		}
		if err := yield(row+n, binary.LittleEndian.Uint64(cell[:]), cell[8] == 1); err != nil {
			return n, err
		}
		n++
	}
}

// Merge adds the rows of next, which come after those of c. next is not changed.
func (c *Column) Merge(next *Column) error {
	var cells []uint64
	var there []bool
	give := func() error {
		err := add(c, len(cells), func(i int) (uint64, bool) { return cells[i], there[i] })
		cells, there = cells[:0], there[:0]
		return err
	}
	err := next.scan(func(_ int64, bits uint64, ok bool) error {
		if cells, there = append(cells, bits), append(there, ok); len(cells) == step {
			return give()
		}
		return nil
	})
	return errors.Join(err, give())
}

const (
	wireName    = "COLM"
	wireVersion = 1
)

// MarshalBinary returns the column's bytes, the same for the same rows: 9 a row.
func (c *Column) MarshalBinary() ([]byte, error) {
	var out codec.Append
	out.Header(wireName, wireVersion)
	out.Uint(uint64(c.rows))
	err := c.scan(func(_ int64, bits uint64, there bool) error {
		out.Word(bits)
		if there {
			out.Byte(1)
		} else {
			out.Byte(0)
		}
		return nil
	})
	return out, err
}

// UnmarshalBinary reads what MarshalBinary wrote into a column made by NewColumn, whose bound and space stay. It refuses damaged bytes with an error that says where; c then is as it was.
func (c *Column) UnmarshalBinary(data []byte) error {
	r := codec.NewReader(data)
	r.Header(wireName, wireVersion)
	n := NewColumn(c.bytes, c.space)
	rows := r.Count(9)
	err := add(n, rows, func(int) (uint64, bool) {
		bits, there := r.Word(), r.Byte()
		if there > 1 || there == 0 && bits != 0 {
			r.Fail("a row that is neither there nor missing")
		}
		return bits, there == 1
	})
	if err == nil {
		err = r.Done()
	}
	if err != nil {
		_ = n.Close()
		return fmt.Errorf("read a column: %w", err)
	}
	err = c.Close()
	*c = *n
	return err
}

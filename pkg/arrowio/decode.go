package arrowio

import (
	"fmt"

	"github.com/leathq/leat/pkg/arrowio/internal/wire"
)

// Limits bound what a batch may be; a zero bound is none.
type Limits = wire.Limits

// LimitError says that something is larger than a limit allows, and where.
type LimitError = wire.LimitError

// MalformedError says that bytes are not what they should be, and where.
type MalformedError = wire.MalformedError

// DefaultLimits are wide enough for what this platform writes itself: 64 MiB and 4 Mi rows a batch, 4,096 columns, depth 32, 32 MiB a value.
func DefaultLimits() Limits {
	return Limits{MaxBytes: 64 << 20, MaxRows: 4 << 20, MaxColumns: 4096, MaxDepth: 32, MaxString: 32 << 20}
}

// Decode reads what Encode writes, and what other implementations of Arrow write in its place: one IPC stream with exactly one batch. The
// batch shares data, which must not be changed after. It never panics; memory is a few times len(data), or MaxBytes where data is compressed. Errors are
// *LimitError or *MalformedError (see errors.As), and end a message for good: another try cannot help.
func Decode(data []byte, l Limits) (b *Batch, err error) {
	defer Recover("decode a batch", &err)
	if l.MaxBytes > 0 && int64(len(data)) > l.MaxBytes {
		return nil, fmt.Errorf("decode a batch: %w", &LimitError{What: "bytes of a message", Is: int64(len(data)), Limit: l.MaxBytes})
	}
	if b, err = decode(data, l); err != nil {
		return nil, fmt.Errorf("decode a batch: %w", err)
	}
	return b, nil
}

// Recover turns a panic over foreign bytes into a *MalformedError: the last resort, for packages below this one.
func Recover(doing string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: %w", doing, &MalformedError{What: fmt.Sprintf("the data cannot be handled: %v", p)})
	}
}

func decode(data []byte, l Limits) (*Batch, error) {
	m, err := wire.ReadMessage(data)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, &MalformedError{What: "there is nothing in it"}
	}
	s, err := m.Schema(l)
	if err != nil {
		return nil, err
	}
	schema, err := SchemaOf(s.Arrow)
	if err != nil {
		return nil, &MalformedError{What: err.Error()}
	}
	known := wire.Dictionaries{}
	var batch *Batch
	for data = data[m.Size:]; ; data = data[m.Size:] {
		if m, err = wire.ReadMessage(data); err != nil {
			return nil, err
		}
		switch {
		case m == nil:
			return finish(batch, data)
		case m.IsDictionary() && batch == nil:
			err = s.Dictionary(m, known, l)
		case batch != nil:
			err = &MalformedError{What: "it has more than the one batch that a message carries"}
		default:
			rec, e := s.Batch(m, known, l)
			if err = e; err == nil {
				batch = fromArrays(schema, rec.Columns(), int(rec.NumRows()))
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func finish(b *Batch, rest []byte) (*Batch, error) {
	if before, _, _, err := wire.Prefix(rest); err != nil || len(rest) > before {
		return nil, &MalformedError{What: fmt.Sprintf("%d bytes follow its end", len(rest)-before)}
	}
	if b == nil {
		return nil, &MalformedError{What: "it has a schema and no batch"}
	}
	return b, nil
}

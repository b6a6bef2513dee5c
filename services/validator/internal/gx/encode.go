package gx

import (
	"encoding"
	"errors"
	"fmt"

	"github.com/leathq/leat/services/validator/internal/codec"
)

// The name and version that encoded states begin with.
const (
	stateName    = "gxst"
	stateVersion = 1
)

// coded is a part that can be written and read again.
type coded interface {
	part
	encode(a *codec.Append) error
	decode(r *codec.Reader) error
}

// MarshalBinary returns the state's bytes, for a plan of the same suite, schema and options to load. They are the same for
// the same rows however these were cut.
func (s *State) MarshalBinary() ([]byte, error) {
	var a codec.Append
	a.Header(stateName, stateVersion)
	a.Bytes([]byte(s.plan.fingerprint()))
	a.Int(s.rows)
	for _, g := range s.gaps {
		a.Byte(byte(bit(g)))
	}
	for i, p := range s.parts {
		if err := p.(coded).encode(&a); err != nil {
			return nil, fmt.Errorf("writing part %d of the state: %w", i, err)
		}
	}
	return a, nil
}

// LoadState reads what MarshalBinary wrote. It refuses bytes of another plan, and damaged ones, with an error that says
// where; it does not panic, and takes memory in proportion to the bytes.
func (p *Plan) LoadState(data []byte) (*State, error) {
	r := codec.NewReader(data)
	r.Header(stateName, stateVersion)
	if of := string(r.Bytes()); r.Err() == nil && of != p.fingerprint() {
		return nil, fmt.Errorf("the state is of the plan %s, not of %s: the suite, the schema or the options differ", of, p.fingerprint())
	}
	s := p.NewState()
	s.rows = r.Int()
	if s.rows < 0 {
		r.Fail("a state of %d rows", s.rows)
	}
	for i := range s.gaps {
		s.gaps[i] = r.Byte() == 1
	}
	for i, part := range s.parts {
		if err := part.(coded).decode(r); err != nil {
			return nil, errors.Join(fmt.Errorf("reading part %d of the state: %w", i, err), s.Close())
		}
		if r.Err() != nil {
			break
		}
	}
	if err := r.Done(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading a state: %w", err), s.Close())
	}
	return s, nil
}

func (r *rowCount) encode(a *codec.Append) error { a.Int(r.Rows); return nil }
func (r *rowCount) decode(in *codec.Reader) error {
	r.Rows = count(in)
	return nil
}

// count reads a number that cannot be negative.
func count(r *codec.Reader) int64 {
	n := r.Int()
	if n < 0 {
		r.Fail("a count of %d", n)
		return 0
	}
	return n
}

func (n *presentCount) encode(a *codec.Append) error {
	a.Int(n.Elements)
	a.Int(n.Present)
	return nil
}

func (n *presentCount) decode(r *codec.Reader) error {
	n.Elements, n.Present = count(r), count(r)
	return nil
}

func (x *extremes) encode(a *codec.Append) error {
	appendCell(a, x.Low)
	appendCell(a, x.High)
	return nil
}

func (x *extremes) decode(r *codec.Reader) error {
	x.Low, x.High = readCell(r), readCell(r)
	return nil
}

// writeState and readState carry the states of the packages of numbers.
func writeState(a *codec.Append, s encoding.BinaryMarshaler) error {
	data, err := s.MarshalBinary()
	a.Bytes(data)
	return err
}

func readState(r *codec.Reader, s encoding.BinaryUnmarshaler) error {
	data := r.Bytes()
	if r.Err() != nil {
		return r.Err()
	}
	return s.UnmarshalBinary(data)
}

func (t *totals) encode(a *codec.Append) error { return writeState(a, t.state) }
func (t *totals) decode(r *codec.Reader) error { return readState(r, t.state) }
func (r *ranks) encode(a *codec.Append) error  { return writeState(a, r.state) }
func (r *ranks) decode(in *codec.Reader) error { return readState(in, r.state) }

func (t *tally) encode(a *codec.Append) error {
	a.Int(t.Elements)
	a.Int(t.Present)
	t.extra.encode(a)
	return writeState(a, t.state)
}

func (t *tally) decode(r *codec.Reader) error {
	t.Elements, t.Present = count(r), count(r)
	t.extra.decode(r)
	return readState(r, t.state)
}

package quantile

import (
	"fmt"
	"math"

	"github.com/leathq/leat/services/validator/internal/codec"
)

const (
	wireName    = "QNTL"
	wireVersion = 1
)

// MarshalBinary returns the state's bytes, the same for the same values whatever the batches were: each distinct value once, as its difference to the one before. What was spilled is read back into them.
func (s *State) MarshalBinary() ([]byte, error) {
	var body codec.Append
	var distinct, last uint64
	err := merge(s.sources(), func(p pair) error {
		body.Uint(p.key - last)
		body.Uint(p.count)
		last = p.key
		distinct++
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out codec.Append
	out.Header(wireName, wireVersion)
	out.Byte(byte(s.kind))
	out.Uint(uint64(s.missing))
	out.Uint(distinct)
	return append(out, body...), nil
}

// UnmarshalBinary reads what MarshalBinary wrote into a state made by New; its kind becomes that of the bytes, its bound stays. It refuses damaged bytes with an error that says where, and then leaves s as it was.
func (s *State) UnmarshalBinary(data []byte) error {
	r := codec.NewReader(data)
	r.Header(wireName, wireVersion)
	n := New(Kind(r.Byte()), s.options)
	n.missing = int64(r.Uint())
	if n.kind > Float32 || n.missing < 0 {
		r.Fail("kind %d and %d missing rows cannot be", n.kind, n.missing)
	}
	out := newRunWriter(n)
	var key uint64
	for i := range r.Count(2) {
		step, count := r.Uint(), r.Uint()
		if r.Err() != nil {
			break
		}
		if i > 0 && step == 0 || key+step < key || count == 0 || count > 1<<60 || n.count > 1<<60 {
			r.Fail("value %d is out of order or counted wrongly", i)
			break
		}
		if key += step; n.kind >= Float64 && math.IsNaN(keyFloat(key)) {
			r.Fail("value %d is no number", i)
			break
		}
		n.count += int64(count)
		if err := out.add(pair{key, count}); err != nil {
			return fmt.Errorf("read a state of quantiles: %w", err)
		}
	}
	if err := r.Done(); err != nil {
		_ = out.drop()
		return fmt.Errorf("read a state of quantiles: %w", err)
	}
	err := s.Close()
	*s = *n
	out.into(s)
	return err
}

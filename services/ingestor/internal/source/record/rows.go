package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
)

// Rows collects records as rows of a schema. It is used by one goroutine.
type Rows struct {
	b      *arrowio.Builder
	at     map[string]int
	filled []bool
	only   bool
}

// New collects rows of a schema. Where only is set, a field that the schema does not name is dropped; else it is a reason to refuse the record: a schema
// that was inferred must not lose what appeared later.
func New(s *arrowio.Schema, only bool) (*Rows, error) {
	if name, twice := s.Duplicate(); twice {
		return nil, fmt.Errorf("the schema has the column %q twice; name it once", name)
	}
	r := &Rows{b: arrowio.NewBuilder(s), at: map[string]int{}, filled: make([]bool, len(s.Fields)), only: only}
	for i, f := range s.Fields {
		r.at[f.Name] = i
	}
	return r, nil
}

// Len is how many rows wait for Batch; Bytes how large they are.
func (r *Rows) Len() int { return r.b.Rows() }

// Bytes is how large the rows that wait for Batch are.
func (r *Rows) Bytes() int64 { return r.b.Bytes() }

// Batch is the rows so far, and begins anew.
func (r *Rows) Batch() (*arrowio.Batch, error) {
	if err := r.b.Err(); err != nil {
		return nil, err
	}
	return r.b.Batch(), nil
}

// Add appends a record with further values by column, which come from beside it (headers, a number) and win over its own. An error is the reason why
// the record is no row; the rows are then as before.
func (r *Rows) Add(raw []byte, beside map[string]any) error {
	rows := r.b.Rows()
	clear(r.filled)
	err := r.add(raw, beside)
	if err != nil {
		r.b.Truncate(rows)
	}
	return err
}

func (r *Rows) add(raw []byte, beside map[string]any) error {
	if raw != nil {
		if !utf8.Valid(raw) {
			return fmt.Errorf("not UTF-8, from byte %d on", invalidAt(raw))
		}
		if err := fields(raw, func(name string, v json.RawMessage) error {
			if _, ok := beside[name]; ok {
				return nil
			}
			i, ok := r.at[name]
			if !ok && !r.only {
				return fmt.Errorf("has a field %q that the schema lacks; name it in the schema, or set `schema` to take the named fields only", name)
			}
			if !ok {
				return nil
			}
			return r.set(i, v)
		}); err != nil {
			return err
		}
	}
	for i, f := range r.b.Schema().Fields {
		if r.filled[i] {
			continue
		}
		if err := r.b.Column(i).Value(beside[f.Name]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rows) set(i int, raw json.RawMessage) error {
	f := r.b.Schema().Fields[i]
	v, err := Value(f, raw)
	if err != nil {
		return err
	}
	r.filled[i] = true
	return r.b.Column(i).Value(v)
}

// Value is a JSON value in the terms of arrowio's builder: numbers exactly, times from RFC 3339, dates from YYYY-MM-DD, bytes from base64 by
// encoding/json's rules, anything that is no text as its own JSON for a column of strings. What would lose something is an error.
func Value(f arrowio.Field, raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("column %q: not JSON: %w", f.Name, err)
	}
	return convert(f, v, raw)
}

func convert(f arrowio.Field, v any, raw json.RawMessage) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch k := f.Type.Kind; k {
	case arrowio.String, arrowio.LargeString:
		if s, ok := v.(string); ok {
			return s, nil
		}
		return compact(v, raw)
	case arrowio.Dictionary:
		return convert(f.Type.Elem[0], v, raw)
	case arrowio.Binary, arrowio.LargeBinary, arrowio.FixedBinary:
		return binary(f, v)
	case arrowio.Date32, arrowio.Date64:
		return instant(f, v, time.DateOnly)
	case arrowio.Timestamp:
		return instant(f, v, time.RFC3339Nano)
	case arrowio.List, arrowio.LargeList, arrowio.FixedList:
		return elements(f, v)
	case arrowio.Struct, arrowio.Map:
		return members(f, v)
	}
	if n, ok := v.(json.Number); ok {
		return number(f, n)
	}
	return v, nil
}

func compact(v any, raw json.RawMessage) (any, error) {
	if raw == nil {
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, err
	}
	return b.String(), nil
}

func binary(f arrowio.Field, v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	var out []byte
	quoted, _ := json.Marshal(s)
	if err := json.Unmarshal(quoted, &out); err != nil {
		return nil, fmt.Errorf("column %q is %s and takes base64: %w", f.Name, f.Type, err)
	}
	return out, nil
}

func instant(f arrowio.Field, v any, layout string) (any, error) {
	switch v := v.(type) {
	case string:
		t, err := time.Parse(layout, v)
		if err != nil {
			return nil, fmt.Errorf("column %q is %s and takes times as %s, not %.60q", f.Name, f.Type, layout, v)
		}
		if each := unit(f.Type); each > 1 && t.Nanosecond()%each != 0 {
			return nil, fmt.Errorf("column %q is %s, too coarse for %q", f.Name, f.Type, v)
		}
		return t, nil
	case json.Number:
		return number(f, v)
	}
	return v, nil
}

// unit is how many nanoseconds a timestamp's unit has.
func unit(t arrowio.Type) int {
	if t.Kind != arrowio.Timestamp {
		return 1
	}
	return map[arrowio.Unit]int{arrowio.Second: 1e9, arrowio.Milli: 1e6, arrowio.Micro: 1e3, arrowio.Nano: 1}[t.Unit]
}

func number(f arrowio.Field, n json.Number) (any, error) {
	switch f.Type.Kind {
	case arrowio.Decimal128, arrowio.Decimal256:
		if len(n) > 100 {
			return nil, fmt.Errorf("column %q is %s and cannot hold a number of %d digits", f.Name, f.Type, len(n))
		}
		r, ok := ratOf(n)
		if !ok {
			return nil, fmt.Errorf("column %q is %s and cannot hold %s", f.Name, f.Type, n)
		}
		return r, nil
	case arrowio.Float64, arrowio.Float32, arrowio.Float16:
		return n.Float64()
	}
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	if r, ok := ratOf(n); ok && r.IsInt() && r.Num().IsUint64() {
		return r.Num().Uint64(), nil
	}
	return nil, fmt.Errorf("column %q is %s and cannot hold %.60s", f.Name, f.Type, n)
}

// ratOf is exact; exponents beyond any column's range are refused before they are multiplied out.
func ratOf(n json.Number) (*big.Rat, bool) {
	f, err := n.Float64()
	if err != nil || f > 1e80 || f < -1e80 {
		return nil, false
	}
	if i := slices.IndexFunc([]byte(n), func(c byte) bool { return c == 'e' || c == 'E' }); i >= 0 && len(n)-i > 4 {
		return nil, false
	}
	return new(big.Rat).SetString(string(n))
}

func elements(f arrowio.Field, v any) (any, error) {
	vs, ok := v.([]any)
	if !ok {
		return v, nil
	}
	out := make([]any, len(vs))
	for i, e := range vs {
		c, err := convert(f.Type.Elem[0], e, nil)
		if err != nil {
			return nil, fmt.Errorf("column %q, element %d: %w", f.Name, i, err)
		}
		out[i] = c
	}
	return out, nil
}

func members(f arrowio.Field, v any) (any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return v, nil
	}
	out := make(map[string]any, len(m))
	for k, e := range m {
		out[k] = e
		for _, field := range f.Type.Elem {
			if f.Type.Kind == arrowio.Map {
				field = f.Type.Elem[1]
			} else if field.Name != k {
				continue
			}
			c, err := convert(field, e, nil)
			if err != nil {
				return nil, fmt.Errorf("column %q: %w", f.Name, err)
			}
			out[k] = c
		}
	}
	return out, nil
}

func invalidAt(raw []byte) int {
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(raw)
}

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

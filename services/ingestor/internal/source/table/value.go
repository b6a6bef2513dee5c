package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// setValue keeps a constant or a default as JSON, once it is clear that the column can hold it.
func (f *Field) setValue(to *json.RawMessage, key string, v any) error {
	if f.Type == "" {
		t, err := typeOfYAML(v)
		if err != nil {
			return source.Errorf(source.Invalid, "source: column %q: `%s`: %w", f.Name, key, err)
		}
		f.Type = t
	}
	raw, err := json.Marshal(v)
	if err == nil {
		_, err = f.value(raw)
	}
	if err != nil {
		return source.Errorf(source.Invalid, "source: column %q: `%s`: %w", f.Name, key, err)
	}
	*to = raw
	return nil
}

func typeOfYAML(v any) (string, error) {
	switch v.(type) {
	case string:
		return "string", nil
	case bool:
		return "bool", nil
	case int, int64, uint64:
		return "int64", nil
	case float64:
		return "double", nil
	}
	return "", fmt.Errorf("a %T needs a `type`", v)
}

// value is a constant or default as arrowio's builders take it.
func (f *Field) value(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	v, err := decode(raw)
	if err != nil {
		return nil, err
	}
	t, err := arrowio.ParseType(f.Type)
	if err != nil {
		return nil, err
	}
	b := arrowio.NewBuilder(&arrowio.Schema{Fields: []arrowio.Field{{Name: f.Name, Type: t}}})
	if err := AppendValue(b.Column(0), v, true); err != nil {
		return nil, err
	}
	return v, nil
}

// decode reads JSON with whole numbers whole.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the JSON value")
	}
	return whole(v), nil
}

func whole(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = whole(v[k])
		}
	}
	return v
}

// AppendValue appends what Column.Value of some column returned to a column of perhaps another type; with cast, text is read and numbers are
// written as text where the type wants it. An error is the reason for which the row is refused, and appends nothing.
func AppendValue(c *arrowio.ColumnBuilder, v any, cast bool) error {
	t := c.Field().Type
	switch v := v.(type) {
	case time.Time:
		if !exactly(v, t) {
			return fmt.Errorf("column %q: %s cannot be kept exactly as %s", c.Field().Name, v.Format(time.RFC3339Nano), t)
		}
	case string:
		if cast && !Textual(t.Kind) {
			return AppendText(c, []byte(v))
		}
	case int64, uint64, float64, bool:
		if cast && Textual(t.Kind) {
			c.String(fmt.Sprint(v))
			return nil
		}
	case *big.Rat:
		if f, _ := v.Float64(); cast && (t.Kind == arrowio.Float64 || t.Kind == arrowio.Float32) {
			c.Float64(f)
			return nil
		}
	}
	return c.Value(v)
}

// exactly says whether a time loses nothing in a column of a type.
func exactly(v time.Time, t arrowio.Type) bool {
	switch t.Kind {
	case arrowio.Timestamp:
		return v.Nanosecond()%[...]int{arrowio.Second: 1e9, arrowio.Milli: 1e6, arrowio.Micro: 1e3, arrowio.Nano: 1}[t.Unit] == 0
	case arrowio.Date32, arrowio.Date64:
		return v.Unix()%86400 == 0 && v.Nanosecond() == 0
	}
	return true
}

// Textual says whether a kind holds text or bytes as they are.
func Textual(k arrowio.Kind) bool { return k >= arrowio.String && k <= arrowio.FixedBinary }

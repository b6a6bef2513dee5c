package arrowio

import (
	"fmt"
	"maps"
	"slices"
)

func (c *ColumnBuilder) dictionaryValue(v any) error {
	values := c.children[0]
	switch k := values.field.Type.Kind; {
	case k.bytes():
		switch v := v.(type) {
		case string:
			c.String(v)
			return nil
		case []byte:
			c.Binary(v)
			return nil
		}
	case k == Float32 || k == Float64:
		if f, ok := v.(float64); ok {
			c.Float64(f)
			return nil
		}
	default:
		if n, ok := integerOf(v); ok && k >= Int8 && k <= Uint64 && values.fits(n) {
			c.Int64(n)
			return nil
		}
	}
	return c.unfit(v)
}

func (c *ColumnBuilder) nestedValue(v any) error {
	t := c.field.Type
	if t.Kind == Struct {
		m, ok := v.(map[string]any)
		if !ok {
			return c.unfit(v)
		}
		return c.structValue(m)
	}
	if m, ok := v.(map[string]any); ok && t.Kind == Map {
		return c.mapValue(m)
	}
	vs, ok := v.([]any)
	if !ok || t.Kind == FixedList && len(vs) != t.Width {
		return c.unfit(v)
	}
	for i, e := range vs {
		if err := c.children[0].value(e); err != nil {
			return fmt.Errorf("column %q, element %d: %w", c.field.Name, i, err)
		}
	}
	c.Close()
	return nil
}

func (c *ColumnBuilder) structValue(m map[string]any) error {
	known := 0
	for _, e := range c.children {
		v, ok := m[e.field.Name]
		if ok {
			known++
		}
		if err := e.value(v); err != nil {
			return fmt.Errorf("column %q: %w", c.field.Name, err)
		}
	}
	if known < len(m) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !slices.ContainsFunc(c.children, func(e *ColumnBuilder) bool { return e.field.Name == k }) {
				return fmt.Errorf("column %q has no field %q; its type is %s", c.field.Name, k, c.field.Type)
			}
		}
	}
	c.Close()
	return nil
}

// mapValue appends the entries in order of their keys: Go's maps have none, and the same value must be the same bytes.
func (c *ColumnBuilder) mapValue(m map[string]any) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if err := c.children[0].value(map[string]any{c.field.Type.Elem[0].Name: k, c.field.Type.Elem[1].Name: m[k]}); err != nil {
			return fmt.Errorf("column %q, key %q: %w", c.field.Name, k, err)
		}
	}
	c.Close()
	return nil
}

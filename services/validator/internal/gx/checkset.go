package gx

import "fmt"

func valuesInSet(b *builder) error    { return inSet(b, true) }
func valuesNotInSet(b *builder) error { return inSet(b, false) }

func inSet(b *builder, want bool) error {
	values := b.list("value_set")
	c, err := b.column("column")
	if err != nil {
		return err
	}
	t := b.plan.schema.Fields[c].Type
	if classOf(t) == isStamp && !want {
		for _, v := range values {
			if s, ok := v.(string); ok {
				if _, ok := instant(s); !ok {
					return fmt.Errorf("Unknown string format: %s", s)
				}
			}
		}
	}
	m := newMembers(t, values)
	return b.one(func(v *view, _ mask) (mask, error) {
		in := m.rows(v)
		if want {
			return in, nil
		}
		return in.not(v.n), nil
	})
}

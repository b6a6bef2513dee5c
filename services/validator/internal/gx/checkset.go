package gx

import (
	"fmt"

	"github.com/leathq/leat/services/validator/internal/dateutil"
)

func valuesInSet(b *builder) error    { return inSet(b, true) }
func valuesNotInSet(b *builder) error { return inSet(b, false) }

func inSet(b *builder, want bool) error {
	values := b.list("value_set")
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if b.class(c) == isStamp && !want {
		if values, err = b.moments(values); err != nil {
			return err
		}
	}
	m := newMembers(values)
	return b.one(func(v *view, _ mask) (mask, error) {
		in := m.rows(v)
		if want {
			return in, nil
		}
		return in.not(v.n), nil
	})
}

// moments reads the texts of a set as points in time, as GX does for a column of those where none may be in the set (and does not where all must).
func (b *builder) moments(values []any) ([]any, error) {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
		s, ok := v.(string)
		if !ok {
			continue
		}
		if at, aware, ok := instant(s); ok {
			out[i] = clock{at, aware}
			continue
		}
		at, err := dateutil.Parse(s, b.plan.options.Now)
		if err != nil {
			return nil, fmt.Errorf("Unknown string format: %s", s)
		}
		out[i] = clock{Time: at}
	}
	return out, nil
}

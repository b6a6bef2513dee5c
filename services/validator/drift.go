package validator

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/services/validator/internal/columns"
	"github.com/leathq/leat/services/validator/internal/drift"
	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// drift compares the valid rows with a reference's.
func (j *judging) drift(ctx context.Context, d *Drift) ([]gates.Verdict, error) {
	for _, name := range d.Columns {
		if err := j.comparable(name); err != nil {
			return nil, err
		}
	}
	name, version, _ := strings.Cut(d.Reference, "@")
	m, err := j.sets.Get(ctx, name, version)
	if isNotFound(err) {
		return []gates.Verdict{{Gate: gates.GateDrift, Status: gates.Unknown, Reason: fmt.Sprintf("there is no dataset %s to compare with", d.Reference)}}, nil
	}
	if err != nil {
		return nil, err
	}
	both := j.both(m)
	asked := slices.Compact(slices.Sorted(slices.Values(d.Columns)))
	if len(asked) == 0 {
		asked = both
	}
	own, err := j.profile(ctx, shards(j.in.Segments), asked)
	if err != nil {
		return nil, err
	}
	there := slices.DeleteFunc(slices.Clone(asked), func(name string) bool { return !slices.Contains(both, name) })
	reference, err := j.profile(ctx, m.Shards, there)
	if err != nil {
		return nil, err
	}
	return gates.Drift(reference, own, d.limits()), nil
}

// comparable refuses a column that is not there or has no distribution: a gate that looks at nothing would let everything pass.
func (j *judging) comparable(name string) error {
	i := j.schema.Index(name)
	if i < 0 {
		return &flow.Error{Code: "invalid_gate", Message: fmt.Sprintf("gates.drift: there is no column %q", name)}
	}
	if t := j.schema.Fields[i].Type; !compared(t) {
		return &flow.Error{Code: "invalid_gate", Message: fmt.Sprintf("gates.drift: column %q is %s; only numbers, times, truth values and texts are compared", name, t)}
	}
	return nil
}

// both are the columns that can be compared and that the reference has too.
func (j *judging) both(m *dataset.Manifest) (out []string) {
	for _, f := range j.schema.Fields {
		if compared(f.Type) && slices.ContainsFunc(m.Schema, func(r dataset.Field) bool { return r.Name == f.Name }) {
			out = append(out, f.Name)
		}
	}
	return out
}

// profile reads columns of shards, and no others.
func (j *judging) profile(ctx context.Context, shards []dataset.Shard, names []string) (drift.Profile, error) {
	p := drift.Profile{Numbers: map[string]*drift.Numbers{}, Categories: map[string]*drift.Categories{}}
	if len(names) == 0 { // nil would be all
		return p, nil
	}
	for _, s := range shards {
		err := j.sets.Read(ctx, s, names, func(b *arrowio.Batch) error {
			for i, f := range b.Schema().Fields {
				addTo(p, f, b.Column(i))
			}
			return nil
		})
		if err != nil {
			return p, fmt.Errorf("read what drift compares: %w", err)
		}
	}
	return p, nil
}

// compared says whether columns of a type have a distribution that can be compared.
func compared(t arrowio.Type) bool {
	return columns.Number(t) || columns.Text(t) || t.Kind == arrowio.Bool
}

func addTo(p drift.Profile, f arrowio.Field, c *arrowio.Column) {
	switch {
	case columns.Number(f.Type):
		if p.Numbers[f.Name] == nil {
			p.Numbers[f.Name] = drift.NewNumbers(0)
		}
		drift.Add(p.Numbers[f.Name], columns.Floats(c), presence.Mask{})
	case compared(f.Type):
		if p.Categories[f.Name] == nil {
			p.Categories[f.Name] = drift.NewCategories(0)
		}
		addCategories(p.Categories[f.Name], c)
	}
}

func addCategories(s *drift.Categories, c *arrowio.Column) {
	if c.Kind() != arrowio.Bool {
		for v := range columns.Texts(c) {
			s.AddText(v, true)
		}
		return
	}
	bits := c.Bools()
	for i := range c.Len() {
		s.AddText(strconv.AppendBool(nil, bits.Get(i)), !c.IsNull(i))
	}
}

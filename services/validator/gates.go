package validator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/gx"
)

// gateSuite is the verdict of the expectations.
const gateSuite = "suite"

func isNotFound(err error) bool { return errors.Is(err, dataset.ErrNotFound) }

// gates are the verdicts on the rows as a whole.
func (j *judging) gates(ctx context.Context, result *gx.SuiteResult) ([]gates.Verdict, error) {
	g := &j.spec.Gates
	var out []gates.Verdict
	if j.spec.suite != nil {
		out = append(out, suiteVerdict(result))
	}
	if len(j.in.Segments) > 0 { // without partitions there was nothing new to read
		out = append(out, gates.Empty(j.rows, g.AllowEmpty))
	}
	if m := j.spec.most; m != nil {
		out = append(out, gates.Quarantine(j.away, j.rows, m.of(j.rows)))
	}
	out = append(out, gates.NewRows(j.rows, g.least()))
	earlier, err := j.earlier(ctx)
	if err != nil {
		return nil, err
	}
	if g.Schema != off && j.in.Run.GetTarget() != nil {
		out = append(out, j.schemaVerdict(earlier))
	}
	if g.Freshness != nil {
		v, err := j.freshness(g.Freshness)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if j.in.Run.GetTarget() != nil && j.rows > 0 {
		out = append(out, j.history(g, earlier)...)
	}
	if g.Drift != nil {
		v, err := j.drift(ctx, g.Drift)
		if err != nil {
			return nil, err
		}
		out = append(out, v...)
	}
	return out, nil
}

func suiteVerdict(r *gx.SuiteResult) gates.Verdict {
	v := gates.Verdict{Gate: gateSuite, Status: gates.Pass, Value: float64(r.Statistics.Successful), Threshold: float64(r.Statistics.Evaluated)}
	if !r.Success {
		v.Status = gates.Fail
	}
	v.Reason = fmt.Sprintf("%d of %d expectations hold", r.Statistics.Successful, r.Statistics.Evaluated)
	var failed []string
	for _, e := range r.Results {
		if e.Success == nil || !*e.Success {
			name := e.Expectation.Type
			if c, ok := e.Expectation.Kwargs.Get("column"); ok {
				name += fmt.Sprintf("(%v)", c)
			}
			if why := cmp.Or(e.Refusal, e.Exception); why != "" {
				name += ": " + why
			}
			failed = append(failed, name)
		}
	}
	if n := len(failed); n > 3 {
		failed = append(failed[:3], fmt.Sprintf("and %d more", n-3))
	}
	if len(failed) > 0 {
		v.Reason += "; not " + strings.Join(failed, ", ")
	}
	return v
}

func (j *judging) schemaVerdict(earlier []*dataset.Manifest) gates.Verdict {
	var pinned, current []gates.Column
	for _, f := range j.schema.Fields {
		current = append(current, gates.Column{Name: f.Name, Type: f.Type.String(), Nullable: f.Nullable})
	}
	if len(earlier) > 0 {
		for _, f := range earlier[0].Schema {
			pinned = append(pinned, gates.Column{Name: f.Name, Type: f.Type, Nullable: f.Nullable})
		}
	}
	return gates.Schema(pinned, current, gates.Match(cmp.Or(j.spec.Gates.Schema, string(gates.Compatible))))
}

// freshness judges the newest value of a column of times.
func (j *judging) freshness(f *Freshness) (gates.Verdict, error) {
	i := j.schema.Index(f.Column)
	if i < 0 {
		return gates.Verdict{}, &flow.Error{Code: "invalid_gate", Message: fmt.Sprintf("gates.freshness: there is no column %q", f.Column)}
	}
	age := gates.Age{Column: f.Column, Now: j.now, Most: f.age}
	switch j.schema.Fields[i].Type.Kind {
	case arrowio.Date32, arrowio.Date64, arrowio.Timestamp:
	default:
		return gates.Verdict{}, &flow.Error{Code: "invalid_gate", Message: fmt.Sprintf("gates.freshness: column %q is %s, and no time; give it a type such as timestamp[us, tz=UTC] in the source's columns",
			f.Column, j.schema.Fields[i].Type)}
	}
	for _, c := range j.stats {
		if c.Name == f.Column && c.Max != nil {
			age.Newest, _ = time.Parse(time.RFC3339Nano, *c.Max) // as pkg/dataset writes it
		}
	}
	return gates.Freshness(age), nil
}

// arrived is how many rows came to a stage in the run that made a version. Records that were refused before are no rows.
func arrived(m *dataset.Manifest, stage string) int64 {
	for _, step := range m.Lineage {
		if step.Stage == stage {
			return step.In
		}
	}
	return m.Counts.In - m.Counts.Refused
}

// history holds the number of rows, and of missing values, against earlier versions.
func (j *judging) history(g *Gates, earlier []*dataset.Manifest) (out []gates.Verdict) {
	if g.Volume == nil || !g.Volume.Off {
		var rows []int64
		for _, m := range earlier {
			rows = append(rows, arrived(m, j.in.Stage.GetName()))
		}
		out = append(out, gates.Volume(rows, j.rows, g.Volume.limits()))
	}
	if g.Nulls != nil && g.Nulls.Off {
		return out
	}
	for _, c := range j.stats {
		n := gates.Nulls{Column: c.Name, Missing: c.Nulls, Rows: c.Rows}
		for _, m := range earlier {
			if at := slices.IndexFunc(m.Statistics, func(e dataset.Column) bool { return e.Name == c.Name }); at >= 0 && m.Statistics[at].Rows > 0 {
				n.Earlier = append(n.Earlier, float64(m.Statistics[at].Nulls)/float64(m.Statistics[at].Rows))
			}
		}
		if v := gates.NullRate(n, g.Nulls.limits()); v.Status != gates.Unknown {
			out = append(out, v)
		}
	}
	return out
}

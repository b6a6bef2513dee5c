package gx

import (
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/quantile"
)

// ranks is all values of a column of numbers in order: medians, quantiles, histograms.
type ranks struct {
	column    int
	condition int
	kind      quantile.Kind
	options   quantile.Options
	state     *quantile.State
}

var rankKinds = map[class]quantile.Kind{isInt: quantile.Int, isUint: quantile.Uint, isFloat: quantile.Float64, isBool: quantile.Float64, isNumber: quantile.Float64, isStamp: quantile.Int}

func (b *builder) ranks(column int) int {
	return b.plan.share("ranks "+place(column, b.condition), b.ranksOf(column))
}

func (b *builder) ranksOf(column int) *ranks {
	kind := rankKinds[b.class(column)]
	if b.plan.schema.Fields[column].Type.Kind == arrowio.Float32 {
		kind = quantile.Float32
	}
	return &ranks{column: column, condition: b.condition, kind: kind, options: quantile.Options{Bytes: b.plan.options.Bytes, Space: b.plan.options.Space}}
}

func (r *ranks) start() part {
	return &ranks{column: r.column, condition: r.condition, kind: r.kind, options: r.options, state: quantile.New(r.kind, r.options)}
}

// Close implements io.Closer.
func (r *ranks) Close() error { return r.state.Close() }

func (r *ranks) add(p *pass) (mask, error) {
	c := p.batch.Column(r.column)
	if kept := p.kept[r.condition]; kept != nil {
		one, err := p.batch.Select(r.column).Filter(kept.bitmap(p.n))
		if err != nil {
			return nil, err
		}
		c = one.Column(0)
	}
	return nil, addRanks(r.state, c)
}

func addRanks(s *quantile.State, c *arrowio.Column) error {
	there := presentBits(c)
	switch c.Kind() {
	case arrowio.Int8:
		return quantile.AddInts(s, c.Int8s(), there)
	case arrowio.Int16:
		return quantile.AddInts(s, c.Int16s(), there)
	case arrowio.Int32:
		return quantile.AddInts(s, c.Int32s(), there)
	case arrowio.Int64, arrowio.Timestamp, arrowio.Date64:
		return quantile.AddInts(s, c.Int64s(), there)
	case arrowio.Uint8:
		return quantile.AddUints(s, c.Uint8s(), there)
	case arrowio.Uint16:
		return quantile.AddUints(s, c.Uint16s(), there)
	case arrowio.Uint32:
		return quantile.AddUints(s, c.Uint32s(), there)
	case arrowio.Uint64:
		return quantile.AddUints(s, c.Uint64s(), there)
	case arrowio.Float32:
		return quantile.AddFloats(s, c.Float32s(), there)
	case arrowio.Float64:
		return quantile.AddFloats(s, c.Float64s(), there)
	case arrowio.Bool, arrowio.Float16, arrowio.Decimal128, arrowio.Decimal256:
		return quantile.AddFloats(s, viewOf(c).numbers(), there)
	}
	return fmt.Errorf("the column %q holds no numbers to order", c.Field().Name)
}

func (r *ranks) merge(next part, _ int64) error { return r.state.Merge(next.(*ranks).state) }

package gx

import (
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/sums"
)

// totals is sum, mean and deviation of a column of numbers.
type totals struct {
	column    int
	condition int
	kind      sums.Kind
	state     *sums.State
}

var sumKinds = map[class]sums.Kind{isInt: sums.Int, isUint: sums.Uint, isBool: sums.Bool, isFloat: sums.Float64, isNumber: sums.Float64, isStamp: sums.Int}

func (b *builder) totals(column int) int {
	return b.plan.share("totals "+place(column, b.condition), b.totalsOf(column))
}

func (b *builder) totalsOf(column int) *totals {
	kind := sumKinds[b.class(column)]
	if b.plan.schema.Fields[column].Type.Kind == arrowio.Float32 {
		kind = sums.Float32
	}
	return &totals{column: column, condition: b.condition, kind: kind}
}

func (t *totals) start() part {
	return &totals{column: t.column, condition: t.condition, kind: t.kind, state: sums.New(t.kind)}
}

func (t *totals) add(p *pass) (mask, error) {
	c := p.batch.Column(t.column)
	if kept := p.kept[t.condition]; kept != nil { // rows that are not kept have no place in pandas' blocks
		one, err := p.batch.Select(t.column).Filter(kept.bitmap(p.n))
		if err != nil {
			return nil, err
		}
		c = one.Column(0)
	}
	return nil, addNumbers(t.state, c)
}

// presentBits are the rows of a column that hold a value, NaN left to those who add.
func presentBits(c *arrowio.Column) presence.Mask {
	if v := c.Valid(); v != nil {
		return presence.Mask{Bits: v.Bits, Offset: v.Offset}
	}
	return presence.Mask{}
}

func addNumbers(s *sums.State, c *arrowio.Column) error {
	there := presentBits(c)
	switch c.Kind() {
	case arrowio.Int8:
		return sums.AddInts(s, c.Int8s(), there)
	case arrowio.Int16:
		return sums.AddInts(s, c.Int16s(), there)
	case arrowio.Int32:
		return sums.AddInts(s, c.Int32s(), there)
	case arrowio.Int64, arrowio.Timestamp, arrowio.Date64:
		return sums.AddInts(s, c.Int64s(), there)
	case arrowio.Uint8:
		return sums.AddUints(s, c.Uint8s(), there)
	case arrowio.Uint16:
		return sums.AddUints(s, c.Uint16s(), there)
	case arrowio.Uint32:
		return sums.AddUints(s, c.Uint32s(), there)
	case arrowio.Uint64:
		return sums.AddUints(s, c.Uint64s(), there)
	case arrowio.Float32:
		return sums.AddFloats(s, c.Float32s(), there)
	case arrowio.Float64:
		return sums.AddFloats(s, c.Float64s(), there)
	case arrowio.Bool:
		b := c.Bools()
		return s.AddBools(presence.Mask{Bits: b.Bits, Offset: b.Offset}, c.Len(), there)
	case arrowio.Float16, arrowio.Decimal128, arrowio.Decimal256:
		return sums.AddFloats(s, viewOf(c).numbers(), there)
	}
	return fmt.Errorf("the column %q holds no numbers to add", c.Field().Name)
}

func (t *totals) merge(next part, _ int64) error { return t.state.Merge(next.(*totals).state) }

package gx

import (
	"errors"
)

func uniqueCountBetween(b *builder) error {
	l := b.limits()
	return b.tallied(func(t *tally) outcome {
		n, err := t.distinct()
		if err != nil {
			return failed(err)
		}
		return l.judge(n)
	})
}

// tallied registers an expectation about the distinct values of a column, whose values pandas must be able to hash.
func (b *builder) tallied(f func(t *tally) outcome) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if b.class(c) == isObject {
		return errors.New("unhashable type: 'numpy.ndarray'")
	}
	b.item.part = b.tally(c)
	b.item.finish = func(p part, _ *ending) outcome { return f(p.(*tally)) }
	return nil
}

func uniqueShareBetween(b *builder) error {
	l := b.limits()
	return b.tallied(func(t *tally) outcome {
		if t.Present == 0 {
			return l.judge(int64(0))
		}
		n, err := t.distinct()
		if err != nil {
			return failed(err)
		}
		return l.judge(float64(n) / float64(t.Present))
	})
}

func presentShareBetween(b *builder) error {
	l := b.limits()
	c, err := b.column("column")
	if err != nil {
		return err
	}
	b.item.part = b.plan.share("presence "+place(c, b.condition), &presentCount{column: c, condition: b.condition})
	b.item.finish = func(p part, _ *ending) outcome {
		n := p.(*presentCount)
		if n.Elements == 0 {
			return l.judge(int64(0))
		}
		return l.judge(float64(n.Present) / float64(n.Elements))
	}
	return nil
}

// presentCount counts rows with and without a value.
type presentCount struct {
	column, condition int
	Elements, Present int64
}

func (n *presentCount) start() part { return &presentCount{column: n.column, condition: n.condition} }

func (n *presentCount) add(p *pass) (mask, error) {
	n.Elements += int64(p.keptN[n.condition])
	n.Present += int64(p.kept[n.condition].and(p.view(n.column).present).count(p.n))
	return nil, nil
}

func (n *presentCount) merge(next part, _ int64) error {
	n.Elements += next.(*presentCount).Elements
	n.Present += next.(*presentCount).Present
	return nil
}

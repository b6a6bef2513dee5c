package gx

import (
	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/pyre"
)

// pass is one batch on its way through a plan: its columns' views, its conditions' rows, worked out once each.
type pass struct {
	batch  *arrowio.Batch
	n      int
	first  int64 // the number of its first row
	views  []*view
	sieves map[int]*pyre.Sieve
	sifted map[int]*pyre.Sifted // of an earlier batch, to be used again
	kept   []mask               // by condition
	keptN  []int
}

func newPass(b *arrowio.Batch, first int64) *pass {
	return &pass{batch: b, n: b.Rows(), first: first, views: make([]*view, len(b.Schema().Fields))}
}

// view is column i.
func (p *pass) view(i int) *view {
	if p.views[i] == nil {
		p.views[i] = viewOf(p.batch.Column(i))
		p.views[i].sieve, p.views[i].sifted = p.sieves[i], p.sifted[i]
	}
	return p.views[i]
}

// choose works out which rows each condition keeps.
func (p *pass) choose(conditions []*condition) error {
	p.kept, p.keptN = make([]mask, len(conditions)), make([]int, len(conditions))
	for i, c := range conditions {
		if c != nil {
			m, err := c.rows(p)
			if err != nil {
				return err
			}
			p.kept[i] = m
		}
		p.keptN[i] = p.kept[i].count(p.n)
	}
	return nil
}

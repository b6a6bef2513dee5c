package table

import "github.com/leathq/leat/pkg/arrowio"

// Piece gives the sink rows that are in columns already.
func (s *Sink) Piece(b *arrowio.Batch) {
	if b.Rows() > 0 {
		s.pieces = append(s.pieces, b)
		s.bytes += b.Bytes()
	}
}

// Pieces cuts a batch so that each piece fits a chunk beside what may be there already; a row is never cut. The cuts depend on the batch alone.
func (s *Sink) Pieces(b *arrowio.Batch) []*arrowio.Batch {
	most := max(s.limits.Batch*6/10, 1)
	n := int((b.Bytes() + most - 1) / most)
	if n <= 1 || b.Rows() <= 1 {
		return []*arrowio.Batch{b}
	}
	n = min(n, b.Rows())
	var out []*arrowio.Batch
	for i := range n {
		p := b.Slice(i*b.Rows()/n, (i+1)*b.Rows()/n)
		if p.Rows() > 1 && p.Rows() < b.Rows() && p.Bytes() > most*5/4 {
			out = append(out, s.Pieces(p)...)
			continue
		}
		out = append(out, p)
	}
	return out
}

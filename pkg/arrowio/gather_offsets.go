package arrowio

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

type offset interface {
	int32 | int64
	arrow.FixedWidthType
}

// rebase is the offsets of the parts' values, beginning at 0, and the ranges they name, by part.
func rebase[T offset](p parts, n int) ([]T, []runs, error) {
	out, inner := make([]T, 1, n+1), make([]runs, len(p))
	total := 0
	for i, x := range p {
		if x.n == 0 {
			continue
		}
		in := arrow.GetData[T](x.Buffers()[1].Bytes())[x.Offset():]
		inner[i].list = make([]run, 0, len(x.list))
		for _, r := range x.list {
			shift := T(total) - in[r.from]
			for _, o := range in[r.from+1 : r.to+1] {
				out = append(out, o+shift)
			}
			inner[i].add(int(in[r.from]), int(in[r.to]))
			total += int(in[r.to] - in[r.from])
		}
		if _, narrow := any(out[0]).(int32); narrow && total > math.MaxInt32 {
			return nil, nil, &LimitError{What: "bytes or elements of one batch", Is: int64(total), Limit: math.MaxInt32, Remedy: "make smaller batches, or declare the column large_string, large_binary or large_list"}
		}
	}
	return out, inner, nil
}

func gatherText[T offset](g *gathered, p parts, n int) error {
	offsets, inner, err := rebase[T](p, n)
	if err != nil {
		return err
	}
	out := make([]byte, 0, int(offsets[n]))
	for i, x := range p {
		if x.Buffers()[2] == nil {
			continue
		}
		in := x.Buffers()[2].Bytes()
		for _, r := range inner[i].list {
			out = append(out, in[r.from:r.to]...)
		}
	}
	g.buffer(arrow.GetBytes(offsets))
	g.buffer(out)
	return nil
}

func gatherLists[T offset](g *gathered, t Type, p parts, n int) error {
	offsets, inner, err := rebase[T](p, n)
	if err != nil {
		return err
	}
	below := make(parts, len(p))
	for i, x := range p {
		below[i] = part{x.Children()[0], inner[i]}
	}
	g.buffer(arrow.GetBytes(offsets))
	return g.child(elemOf(t), below)
}

// elemOf is the type of what a list or a map has.
func elemOf(t Type) Type {
	if t.Kind == Map {
		return Type{Kind: Struct, Elem: t.Elem}
	}
	return t.Elem[0].Type
}

package arrowio

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// run is the values from (included) to to (excluded).
type run struct{ from, to int }

// runs are ranges of values, and how many values they have in all.
type runs struct {
	list []run
	n    int
}

func (r *runs) add(from, to int) {
	if from == to {
		return
	}
	r.n += to - from
	if k := len(r.list) - 1; k >= 0 && r.list[k].to == from {
		r.list[k].to = to
		return
	}
	r.list = append(r.list, run{from, to})
}

// shifted is the runs n further on, each wide values for one.
func (r runs) shifted(n, wide int) runs {
	if n == 0 && wide == 1 {
		return r
	}
	out := runs{n: r.n * wide, list: make([]run, len(r.list))}
	for i, x := range r.list {
		out.list[i] = run{(x.from + n) * wide, (x.to + n) * wide}
	}
	return out
}

// part is some of the values of data.
type part struct {
	arrow.ArrayData
	runs
}

// parts are of one type. What is gathered of them comes in their order.
type parts []part

func (p parts) total() int {
	n := 0
	for _, x := range p {
		n += x.n
	}
	return n
}

func whole(d arrow.ArrayData) part {
	r := runs{}
	r.add(0, d.Len())
	return part{d, r}
}

// gather copies the values of the parts. Work is linear in what is copied and in the number of runs. Offsets that grow beyond their width are a
// *LimitError.
func gather(t Type, p parts) (arrow.ArrayData, error) {
	n := p.total()
	if t.Kind == Null {
		return array.NewData(dataType(t), n, []*memory.Buffer{nil}, nil, n, 0), nil
	}
	g := &gathered{buffers: make([]*memory.Buffer, 1, 3)}
	if err := g.values(t, p, n); err != nil {
		return nil, err
	}
	bits, nulls := gatherValid(p, n)
	g.buffers[0] = bits
	d := array.NewData(dataType(t), n, g.buffers, g.children, nulls, 0)
	if g.dictionary != nil {
		d.SetDictionary(g.dictionary)
	}
	return d, nil
}

// gathered is what becomes of parts, but for the validity.
type gathered struct {
	buffers    []*memory.Buffer
	children   []arrow.ArrayData
	dictionary arrow.ArrayData
}

func (g *gathered) buffer(b []byte) { g.buffers = append(g.buffers, memory.NewBufferBytes(b)) }

func (g *gathered) values(t Type, p parts, n int) error {
	switch t.Kind {
	case Bool:
		g.buffer(gatherBits(p, n, 1))
	case String, Binary:
		return gatherText[int32](g, p, n)
	case LargeString, LargeBinary:
		return gatherText[int64](g, p, n)
	case List, Map:
		return gatherLists[int32](g, t, p, n)
	case LargeList:
		return gatherLists[int64](g, t, p, n)
	case FixedList:
		return g.child(t.Elem[0].Type, p.inner(0, t.Width))
	case Struct:
		for i, f := range t.Elem {
			if err := g.child(f.Type, p.inner(i, 1)); err != nil {
				return err
			}
		}
	case Dictionary:
		return g.dictionaries(t, p, n)
	default:
		g.buffer(gatherFixed(p, n, t.width()/8))
	}
	return nil
}

func (g *gathered) child(t Type, p parts) error {
	d, err := gather(t, p)
	g.children = append(g.children, d)
	return err
}

// inner is the parts of child i, of which each value has wide.
func (p parts) inner(i, wide int) parts {
	out := make(parts, len(p))
	for j, x := range p {
		out[j] = part{x.Children()[i], x.shifted(x.Offset(), wide)}
	}
	return out
}

func gatherValid(p parts, n int) (*memory.Buffer, int) {
	nulls := 0
	for _, x := range p {
		nulls += nullsOf(x.ArrayData)
	}
	if nulls == 0 {
		return nil, 0
	}
	b := gatherBits(p, n, 0)
	if nulls = n - bitutil.CountSetBits(b, 0, n); nulls == 0 {
		return nil, 0
	}
	return memory.NewBufferBytes(b), nulls
}

// gatherBits copies bits of a buffer; a part that does not have it has ones.
func gatherBits(p parts, n, buffer int) []byte {
	out, at := make([]byte, (n+7)/8), 0
	for _, x := range p {
		b := x.Buffers()[buffer]
		for _, r := range x.list {
			if b == nil || b.Len() == 0 {
				bitutil.SetBitsTo(out, int64(at), int64(r.to-r.from), true)
			} else {
				copyBits(out, at, b.Bytes(), x.Offset()+r.from, r.to-r.from)
			}
			at += r.to - r.from
		}
	}
	return out
}

// copyBits is for short runs too, which the library's is slow at.
func copyBits(dst []byte, at int, src []byte, from, n int) {
	if n >= 64 {
		bitutil.CopyBitmap(src, from, n, dst, at)
		return
	}
	for i := range n {
		if src[(from+i)>>3]&(1<<((from+i)&7)) != 0 {
			dst[(at+i)>>3] |= 1 << ((at + i) & 7)
		}
	}
}

func gatherFixed(p parts, n, width int) []byte {
	out := make([]byte, 0, n*width)
	for _, x := range p {
		if x.n == 0 {
			continue
		}
		in := x.Buffers()[1].Bytes()[x.Offset()*width:]
		for _, r := range x.list {
			out = append(out, in[r.from*width:r.to*width]...)
		}
	}
	return out
}

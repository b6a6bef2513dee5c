package gx

import (
	"fmt"
	"strings"

	"github.com/leathq/leat/services/validator/internal/codec"
)

// longestSum is how many bytes of a column's texts are put together: pandas' sum of texts is all of them in one, which nobody needs of a large column.
const longestSum = 1 << 20

// joinedTexts is pandas' sum of a column of texts. It is both what makes the part and the part.
type joinedTexts struct {
	column    int
	condition int
	Bytes     int64 // of all texts
	Text      strings.Builder
}

func (j *joinedTexts) start() part { return &joinedTexts{column: j.column, condition: j.condition} }

func (j *joinedTexts) add(p *pass) (mask, error) {
	v := p.view(j.column)
	s := v.texts()
	p.kept[j.condition].and(v.present).each(v.n, func(i int) bool {
		j.put(s.At(i))
		return true
	})
	return nil, nil
}

// put keeps no text at all once they are too long together.
func (j *joinedTexts) put(text []byte) {
	j.Bytes += int64(len(text))
	if j.Bytes > longestSum {
		j.Text.Reset()
		return
	}
	j.Text.Write(text)
}

func (j *joinedTexts) merge(next part, _ int64) error {
	o := next.(*joinedTexts)
	if j.Bytes+o.Bytes > longestSum {
		j.Bytes += o.Bytes
		j.Text.Reset()
		return nil
	}
	j.put([]byte(o.Text.String()))
	return nil
}

func (j *joinedTexts) encode(a *codec.Append) error {
	a.Int(j.Bytes)
	a.Bytes([]byte(j.Text.String()))
	return nil
}

func (j *joinedTexts) decode(r *codec.Reader) error {
	j.Bytes = count(r)
	text := r.Bytes()
	if j.Bytes <= longestSum && int64(len(text)) != j.Bytes || j.Bytes > longestSum && len(text) > 0 {
		r.Fail("%d bytes of texts where %d were added", len(text), j.Bytes)
	}
	j.Text.Write(text)
	return nil
}

func (b *builder) sumOfTexts(c int, l limits) error {
	if l.low != nil || l.high != nil {
		return lateErrorf("'>=' not supported between instances of 'str' and 'float'")
	}
	b.item.part = b.plan.share("joined "+place(c, b.condition), &joinedTexts{column: c, condition: b.condition})
	b.item.finish = func(p part, _ *ending) outcome {
		j := p.(*joinedTexts)
		if j.Bytes > longestSum {
			return failed(fmt.Errorf("the sum of texts is all of them in one: %d bytes, more than the %d that a result shows; use a column of numbers", j.Bytes, longestSum))
		}
		return told(true, j.Text.String())
	}
	return nil
}

package profile

import (
	"math"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/columns"
	"github.com/leathq/leat/services/validator/internal/drift"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// texts is a column of texts or of categories.
type texts struct {
	missing     int64
	lengths     *drift.Numbers
	least, most float64 // characters
	values      map[string]int64
	many        bool // more values than are listed, or one too long to be
	keys        keys
	form        *form // nil: not looked for
}

func newTexts(formed bool) *texts {
	t := &texts{lengths: drift.NewNumbers(0), least: math.Inf(1), most: math.Inf(-1), values: map[string]int64{}}
	if formed {
		t.form = newForm()
	}
	return t
}

func (t *texts) add(c *arrowio.Column) {
	lengths := make([]float64, 0, c.Len())
	for v := range columns.Texts(c) {
		n := float64(utf8.RuneCount(v))
		t.least, t.most = min(t.least, n), max(t.most, n)
		lengths = append(lengths, n)
		t.put(v)
	}
	t.missing += int64(c.Len() - len(lengths))
	drift.Add(t.lengths, lengths, presence.Mask{})
}

func (t *texts) put(v []byte) {
	if !t.many {
		t.count(v, 1)
	}
	if !t.keys.gone {
		t.keys.add(xxh3.Hash(v))
	}
	if t.form != nil {
		t.form.add(v)
	}
}

func (t *texts) count(v []byte, n int64) {
	t.values[string(v)] += n
	if len(v) > short || len(t.values) > Listed {
		t.values, t.many = nil, true
	}
}

func (t *texts) merge(next column) error {
	o := next.(*texts)
	t.missing += o.missing
	t.least, t.most = min(t.least, o.least), max(t.most, o.most)
	t.keys.merge(&o.keys)
	if o.many {
		t.values, t.many = nil, true
	}
	for v, n := range o.values {
		if t.many {
			break
		}
		t.count([]byte(v), n)
	}
	if t.form != nil {
		t.form.merge(o.form)
	}
	return t.lengths.Merge(o.lengths)
}

func (t *texts) describe(c *Column) {
	c.Missing, c.Unique = t.missing, t.keys.unique()
	if c.Present() == 0 {
		return
	}
	c.Lengths = spreadOf(t.lengths, t.least, t.most, true)
	c.Distinct = int64(len(t.values))
	for v, n := range t.values {
		c.Values = append(c.Values, Value{Text: v, Count: n})
	}
	sortValues(c.Values)
	c.Values = c.Values[:min(len(c.Values), mostValues)]
	if t.form != nil {
		c.Form = t.form.describe()
	}
}

// flags is a column of truth values.
type flags struct{ rows, missing, set int64 }

func (f *flags) add(c *arrowio.Column) {
	bits, there := c.Bools(), columns.Present(c)
	for i := range c.Len() {
		f.rows++
		switch {
		case !there.Has(i):
			f.missing++
		case bits.Get(i):
			f.set++
		}
	}
}

func (f *flags) merge(next column) error {
	o := next.(*flags)
	f.rows, f.missing, f.set = f.rows+o.rows, f.missing+o.missing, f.set+o.set
	return nil
}

func (f *flags) describe(c *Column) {
	c.Missing = f.missing
	for _, v := range []Value{{Text: "true", Count: f.set}, {Text: "false", Count: f.rows - f.missing - f.set}} {
		if v.Count > 0 {
			c.Distinct++
			c.Values = append(c.Values, v)
		}
	}
	sortValues(c.Values)
}

// others is a column of which only gaps are counted.
type others struct{ missing int64 }

func (o *others) add(c *arrowio.Column) {
	if c.Kind() == arrowio.Dictionary {
		_, index := c.Dictionary()
		for i := range c.Len() {
			if index(i) < 0 {
				o.missing++
			}
		}
		return
	}
	o.missing += int64(c.Nulls())
}

func (o *others) merge(next column) error {
	o.missing += next.(*others).missing
	return nil
}

func (o *others) describe(c *Column) { c.Missing = o.missing }

package gx

import (
	"encoding/binary"

	"github.com/leathq/leat/services/validator/internal/codec"
	"github.com/leathq/leat/services/validator/internal/distinct"
	"github.com/leathq/leat/services/validator/internal/textual"
	"github.com/zeebo/xxh3"
)

// textSum adds a number of each text up. It is both what makes the part and the part.
type textSum struct {
	column    int
	condition int
	of        func(text []byte) int
	Texts     int64
	Sum       int64
}

func (t *textSum) start() part { return &textSum{column: t.column, condition: t.condition, of: t.of} }

func (t *textSum) add(p *pass) (mask, error) {
	v := p.view(t.column)
	s := v.texts()
	p.kept[t.condition].and(v.present).each(v.n, func(i int) bool {
		t.Texts++
		t.Sum += int64(t.of(s.At(i)))
		return true
	})
	return nil, nil
}

func (t *textSum) merge(next part, _ int64) error {
	o := next.(*textSum)
	t.Texts += o.Texts
	t.Sum += o.Sum
	return nil
}

func (t *textSum) encode(a *codec.Append) error {
	a.Int(t.Texts)
	a.Int(t.Sum)
	return nil
}

func (t *textSum) decode(r *codec.Reader) error {
	t.Texts, t.Sum = count(r), count(r)
	return nil
}

// perText registers a sum over texts, whose mean is held against the bounds; without texts there is none, and the expectation fails as GX's means do.
func (b *builder) perText(of func(text []byte) int, more func(t *textSum, o *outcome)) error {
	if err := b.someBound(); err != nil {
		return err
	}
	c, err := b.textColumn()
	if err != nil {
		return err
	}
	l := b.limits()
	b.item.part = b.plan.share("", &textSum{column: c, condition: b.condition, of: of})
	b.item.finish = func(p part, _ *ending) outcome {
		t := p.(*textSum)
		if t.Texts == 0 {
			return told(false, nil)
		}
		o := l.judge(float64(t.Sum) / float64(t.Texts))
		if more != nil {
			more(t, &o)
		}
		return o
	}
	return nil
}

func textMeanTokens(b *builder) error { return b.perText(b.tokenCounter(), nil) }

func textPIIRate(b *builder) error {
	has, err := b.hasPII()
	if err != nil {
		return err
	}
	return b.perText(func(text []byte) int { return int(bit(has(text))) }, func(t *textSum, o *outcome) {
		o.result.Set("details", Object{{"texts", t.Texts}, {"texts_with_pii", t.Sum}})
	})
}

// textRepeats counts texts that occur more than once, by a hash of 128 bits: two different texts of a trillion are taken for one with a
// probability of about one in 10^14.
type textRepeats struct {
	column    int
	condition int
	words     bool
	options   distinct.Options
	state     *distinct.State
}

func (t *textRepeats) start() part {
	n := *t
	n.state = distinct.New(distinct.Bytes, t.options)
	return &n
}

// Close implements io.Closer.
func (t *textRepeats) Close() error { return t.state.Close() }

func (t *textRepeats) add(p *pass) (mask, error) {
	v := p.view(t.column)
	s := v.texts()
	var err error
	var key [16]byte
	var plain []byte
	p.kept[t.condition].and(v.present).each(v.n, func(i int) bool {
		text := s.At(i)
		if t.words {
			plain = textual.AppendWords(plain[:0], text)
			text = plain
		}
		h := xxh3.Hash128(text)
		binary.BigEndian.PutUint64(key[:8], h.Hi)
		binary.BigEndian.PutUint64(key[8:], h.Lo)
		err = t.state.AddText(key[:], true)
		return err == nil
	})
	return nil, err
}

func (t *textRepeats) merge(next part, _ int64) error {
	return t.state.Merge(next.(*textRepeats).state)
}
func (t *textRepeats) encode(a *codec.Append) error { return writeState(a, t.state) }
func (t *textRepeats) decode(r *codec.Reader) error { return readState(r, t.state) }

func textDuplicateRate(b *builder) error {
	if err := b.someBound(); err != nil {
		return err
	}
	c, err := b.textColumn()
	if err != nil {
		return err
	}
	l := b.limits()
	s := &textRepeats{column: c, condition: b.condition, words: b.word("equal_if", "same_bytes") == "same_words"}
	s.options = distinct.Options{Bytes: b.plan.options.Bytes, Space: b.plan.options.Space}
	b.item.part = b.plan.share("", s)
	b.item.finish = func(p part, _ *ending) outcome {
		t := p.(*textRepeats)
		texts := t.state.Count()
		if texts == 0 {
			return told(false, nil)
		}
		different, err := t.state.Distinct()
		if err != nil {
			return failed(err)
		}
		o := l.judge(float64(texts-different) / float64(texts))
		o.result.Set("details", Object{{"texts", int64(texts)}, {"different_texts", int64(different)}})
		return o
	}
	return nil
}

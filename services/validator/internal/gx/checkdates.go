package gx

import (
	"errors"
	"time"

	"github.com/leathq/leat/services/validator/internal/dateutil"
	"github.com/leathq/leat/services/validator/internal/strftime"
)

// eachText registers a check of each text of a column; a value of another type fails the expectation with message, or,
// where there is none, only itself.
func (b *builder) eachText(message string, good func(text []byte) (bool, error)) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	err = b.one(func(v *view, rows mask) (mask, error) {
		m := make(mask, words(v.n))
		if !v.spelt() {
			return m, wrongType(message)
		}
		s := v.texts()
		var err error
		rows.each(v.n, func(i int) bool {
			var ok bool
			if ok, err = good(s.At(i)); ok {
				m.set(i)
			}
			return err == nil
		})
		return m, err
	})
	if err == nil && b.class(c) == isCategory {
		b.categorical(c, good)
	}
	return err
}

func wrongType(message string) error {
	if message == "" {
		return nil
	}
	return errors.New(message)
}

// categorical follows what pandas does with a column of categories: it maps the categories, and where no two of them come
// to the same the result is categorical again, which GX cannot negate.
func (b *builder) categorical(c int, good func(text []byte) (bool, error)) {
	own := b.condition
	b.condition = 0
	all := b.tally(c)
	b.condition = own
	finish := b.item.finish
	b.item.finish = func(p part, e *ending) outcome {
		if p.(*rowPart).Considered > 0 && p.(*rowPart).Error == "" {
			values, err := e.state.parts[all].(*tally).sorted()
			if err == nil && apart(values, good) {
				err = errors.New("bad operand type for unary ~: 'Categorical'")
			}
			if err != nil {
				return failed(err)
			}
		}
		return finish(p, e)
	}
}

// apart says whether no two of the values come to the same.
func apart(values []tallied, good func(text []byte) (bool, error)) bool {
	seen := map[bool]bool{}
	for _, v := range values {
		s, _ := v.Cell.(string)
		ok, err := good([]byte(s))
		if err != nil || seen[ok] {
			return false
		}
		seen[ok] = true
	}
	return true
}

func dateutilParseable(b *builder) error {
	now := b.plan.options.now()
	return b.eachText("Values passed to expect_column_values_to_be_dateutil_parseable must be of type string", func(text []byte) (bool, error) {
		_, err := dateutil.Parse(string(text), now)
		var raised *dateutil.RaisedError
		if errors.As(err, &raised) {
			return false, err
		}
		return err == nil, nil
	})
}

func matchStrftime(b *builder) error {
	format := b.text("strftime_format")
	f, err := strftime.Compile(format)
	if err != nil {
		return err
	}
	if f.Bad() != "" {
		return refuse("Unable to use provided strftime_format. %s", f.Bad())
	}
	return b.eachText("Values passed to expect_column_values_to_match_strftime_format must be of type string",
		func(text []byte) (bool, error) { return f.Match(text), nil })
}

// now is the day that a date without a year is in.
func (o Options) now() time.Time {
	if o.Now.IsZero() {
		return time.Now()
	}
	return o.Now
}

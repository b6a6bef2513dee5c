package gx

import (
	"errors"
	"time"

	"github.com/leathq/leat/services/validator/internal/dateutil"
	"github.com/leathq/leat/services/validator/internal/strftime"
)

// eachText registers a check of each text of a column; a value of another type fails the expectation with message.
func (b *builder) eachText(message string, good func(text []byte) (bool, error)) error {
	return b.one(func(v *view, rows mask) (mask, error) {
		if !v.spelt() {
			return nil, errors.New(message)
		}
		m, s := make(mask, words(v.n)), v.texts()
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

package gx

import (
	"errors"
	"math"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/dateutil"
)

// ordered says why GX cannot compare the two bounds with each other, or that they are the wrong way round.
func (l limits) ordered() error {
	for _, bound := range []any{l.low, l.high} {
		if _, empty := bound.(Object); empty {
			return refuse("min_value and max_value cannot be empty strings")
		}
	}
	if l.low == nil || l.high == nil {
		return nil
	}
	if x, ok := l.low.(date); ok {
		l.low = day(x.Unix() / 86400)
	} else if x, ok := l.low.(clock); ok {
		l.low = stamp{At: x.UnixMicro(), Unit: arrowio.Micro, Zone: map[bool]string{true: "UTC"}[x.aware]}
	}
	d, err := compareBound(l.low, l.high)
	switch {
	case err != nil:
		return err
	case d > 0:
		return errors.New("min_value cannot be greater than max_value")
	}
	return nil
}

// holdWhole is hold for one value of a column: GX then compares with both bounds, and fails where one cannot be compared.
func (l limits) holdWhole(v any) (bool, error) {
	ok, err := l.hold(v)
	if err == nil && !ok && l.high != nil {
		_, err = compareBound(v, l.high)
	}
	return ok, err
}

// read takes a text for the date or the point in time that it says where a bound is one.
func (l limits) read(v any, now time.Time) (any, error) {
	s, ok := v.(string)
	dates, clocks := false, false
	for _, bound := range []any{l.low, l.high} {
		switch bound.(type) {
		case date:
			dates = true
		case clock:
			clocks = true
		}
	}
	if !ok || !dates && !clocks {
		return v, nil
	}
	at, err := dateutil.Parse(s, now)
	switch {
	case err != nil:
		return nil, pythonErrorf("Unknown string format: %s", s)
	case clocks:
		return stamp{At: at.UnixMicro(), Unit: arrowio.Micro}, nil
	}
	return day(math.Floor(float64(at.Unix()) / 86400)), nil
}

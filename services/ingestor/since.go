package ingestor

import (
	"encoding/json"
	"strings"
	"time"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// bound holds a source to a run's `since`: a time is a bound beside what earlier runs have read, a JSON object is a watermark in its place and is returned.
func bound(src source.Source, kind, since string) (source.Watermark, error) {
	since = strings.TrimSpace(since)
	if since == "" {
		return nil, nil
	}
	if strings.HasPrefix(since, "{") {
		if !json.Valid([]byte(since)) {
			return nil, source.Errorf(source.Invalid, "since: %.100q begins as a watermark, but is not JSON", since)
		}
		return source.Watermark(since), nil
	}
	t, err := moment(since)
	if err != nil {
		return nil, err
	}
	b, ok := src.(source.Bounded)
	if !ok {
		return nil, source.Errorf(source.Invalid, "since: sources of type %s take no time; leave it out, or give the watermark to begin from, a JSON object", kind)
	}
	if err := b.Since(t); err != nil {
		return nil, source.Errorf(source.Invalid, "since: %w", err)
	}
	return nil, nil
}

func moment(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, source.Errorf(source.Invalid, "since: %.100q is neither a date such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, nor a watermark, a JSON object", text)
}

// checkSince says what is wrong with a run's `since`, before it is planned. A wrong spec is left to who checks that.
func (i *Ingestor) checkSince(run *datav1.Run) error {
	if run.GetSince() == "" || len(run.GetStages()) == 0 {
		return nil
	}
	src, kind, err := i.input.make(run.GetStages()[0].GetSpec())
	if err != nil {
		return nil //nolint:nilerr // CheckRun says it with the stage's name
	}
	_, err = bound(src, kind, run.GetSince())
	return err
}

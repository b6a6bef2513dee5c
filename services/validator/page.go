package validator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/profile"
	"github.com/leathq/leat/services/validator/internal/report"
)

const (
	drawn    = 16 << 20 // bytes of shards, as they lie in the store, from which the page's columns are drawn at most
	shown    = 20       // rows of the quarantine that the page shows
	rowShown = 64 << 10 // bytes of such a row that are looked at
)

// page is the report for people. It says nothing of the time or of the run's id: equal rows give equal bytes, and a dataset's version has the page in it.
func (j *judging) page(ctx context.Context, result *gx.SuiteResult, verdicts []gates.Verdict) ([]byte, error) {
	columns, source, err := j.columns(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := j.examples(ctx)
	if err != nil {
		return nil, err
	}
	in := report.Input{
		Title: cmp.Or(j.in.Run.GetTarget().GetDataset(), j.in.Run.GetName(), "data run"), Source: source, Result: result, Columns: columns, Rows: rows, Verdicts: verdicts,
		Counts: &report.Counts{In: j.rows, Valid: j.rows - j.away, Quarantined: j.away}, Redact: report.Redact(j.spec.Redact),
	}
	if gates.Overall(verdicts) == gates.Fail { // expectations may hold, and a gate not
		in.Verdict = report.Invalid
	}
	var b bytes.Buffer
	err = report.HTML(&b, in)
	return b.Bytes(), err
}

// columns describes the valid rows, or the first of many: reading all of them again would cost as much as the run.
func (j *judging) columns(ctx context.Context) ([]profile.Column, string, error) {
	seen, err := profile.New(j.schema)
	if err != nil { // two columns of one name: there is no page of each
		return nil, "", nil //nolint:nilerr // the page goes without
	}
	room, partly := int64(drawn), false
	for n, s := range shards(j.in.Segments) {
		if room -= s.Bytes; n > 0 && room < 0 {
			partly = true
			break
		}
		if err := j.sets.Read(ctx, s, nil, seen.Add); err != nil {
			return nil, "", fmt.Errorf("draw the columns: %w", err)
		}
	}
	summary := seen.Summary()
	switch {
	case summary.Rows == 0:
		return nil, "", nil
	case partly:
		return summary.Columns, fmt.Sprintf("columns are drawn from the first %d of %d valid rows", summary.Rows, j.rows-j.away), nil
	}
	return summary.Columns, "columns are drawn from the valid rows", nil
}

// errEnough ends reading.
var errEnough = errors.New("enough")

// examples are the first rows in quarantine.
func (j *judging) examples(ctx context.Context) (out []report.Example, err error) {
	for _, s := range kept(j.in.Segments, "quarantine") {
		err := j.sets.Read(ctx, s, nil, func(b *arrowio.Batch) error {
			for i := range b.Rows() {
				if len(out) == shown {
					return errEnough
				}
				out = append(out, example(b, i))
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read examples from the quarantine: %w", err)
		}
	}
	return out, nil
}

// example is a quarantined row as people read it.
func example(b *arrowio.Batch, row int) report.Example {
	own := len(b.Schema().Fields) - 3
	value := func(i int) any { return b.Column(own + i).Value(row) }
	out := report.Example{Where: fmt.Sprintf("partition %v, row %v", value(1), value(2))}
	var why []reason
	if text, ok := value(0).(string); ok {
		_ = json.Unmarshal([]byte(text), &why) // written by reasonsOf
	}
	for _, r := range why {
		if r.Column != "" {
			r.Type += "(" + r.Column + ")"
		}
		out.Reasons = append(out.Reasons, r.Type)
	}
	var text bytes.Buffer
	for i, f := range b.Schema().Fields[:own] {
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%s: %v", f.Name, shownValue(b.Column(i), row))
		if text.Len() > rowShown {
			break
		}
	}
	out.Text = string(bytes.ToValidUTF8(text.Bytes()[:min(text.Len(), rowShown)], []byte("\uFFFD")))
	return out
}

func shownValue(c *arrowio.Column, row int) any {
	switch v := c.Value(row).(type) {
	case nil:
		return "null"
	case *big.Rat: // a decimal, which a fraction is hard to read as
		digits, _ := v.FloatPrec()
		return v.FloatString(digits)
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	default:
		return v
	}
}

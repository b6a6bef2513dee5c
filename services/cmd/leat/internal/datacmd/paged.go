package datacmd

import (
	"fmt"

	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/validator/check"
)

// page is the report of a validation.
func (o *validateOptions) page(f *finding) check.Report {
	rows := f.state.Len()
	return check.Report{
		Title: cut(f.title, 200), Verdict: f.verdict(o.RefusedAreFit), Result: f.result, Columns: f.columns.Summary().Columns, Redact: check.Redact(o.Redact),
		Counts:  &check.Counts{In: rows + f.refusals(), Valid: rows - f.failing, Quarantined: f.failing, Refused: f.refusals()},
		Refused: refusedExamples(f.refused),
	}
}

func refusedExamples(rs []ingestor.Refused) []check.Example {
	var out []check.Example
	for _, r := range rs {
		out = append(out, check.Example{Where: fmt.Sprintf("%s:%d", r.File, r.Line), Reasons: []string{r.Reason}, Text: string(r.Raw)})
	}
	return out
}

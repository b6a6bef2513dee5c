package check

import (
	"io"

	"github.com/leathq/leat/services/validator/internal/report"
)

type (
	// Report is what a page tells.
	Report = report.Input
	// Counts are rows by what became of them.
	Counts = report.Counts
	// Example is a row or a record that is not as it should be.
	Example = report.Example
	// Redact says what of the data's own values a page shows: pii (the default) masks addresses and keys, all everything, none nothing.
	Redact = report.Redact
	// Verdict is what a page says at its head.
	Verdict = report.Verdict
)

// Verdicts.
const (
	Valid   = report.Valid
	Invalid = report.Invalid
	Unknown = report.Unknown
)

// HTML writes a report as one page, which needs nothing beside itself.
func HTML(w io.Writer, in Report) error { return report.HTML(w, in) }

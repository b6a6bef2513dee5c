package validator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/report"
)

// Spec is that of a stage of kind validate.
type Spec struct {
	Suite        json.RawMessage `json:"suite,omitempty"`          // as Great Expectations writes it; missing: rows are kept as they are
	ResultFormat json.RawMessage `json:"result_format,omitempty"`  // a name or an object; missing: SUMMARY
	Parameters   json.RawMessage `json:"parameters,omitempty"`     // of the suite, an object
	FailFast     bool            `json:"fail_fast,omitempty"`      // the first row that fails a check fails the run
	Most         json.RawMessage `json:"max_quarantine,omitempty"` // rows in quarantine above which the run is not valid: a number, or a share such as "2%" of those that arrive
	SQL          bool            `json:"sql,omitempty"`            // run what Great Expectations runs on databases alone (LIKE, queries), as on an SQLite made of the rows
	Tables       json.RawMessage `json:"tables,omitempty"`         // rows of other tables that the suite compares with: an object of names and numbers
	Redact       string          `json:"redact,omitempty"`         // what the page masks of the rows' values: pii (default), all or none
	Gates        Gates           `json:"gates"`

	suite      *gx.Suite
	format     gx.ResultFormat
	parameters map[string]any
	tables     map[string]int64
	most       *most // nil: any number
}

// Gates judge the rows as a whole.
type Gates struct {
	MinNewRows *int64     `json:"min_new_rows,omitempty"` // below it the run is skipped; missing: 1,000
	AllowEmpty bool       `json:"allow_empty,omitempty"`
	Schema     string     `json:"schema,omitempty"` // how closely it must follow the latest version's: compatible (default), equal, or off
	Freshness  *Freshness `json:"freshness,omitempty"`
	Volume     *History   `json:"volume,omitempty"` // missing: the defaults
	Nulls      *History   `json:"nulls,omitempty"`  // likewise
	Drift      *Drift     `json:"drift,omitempty"`
}

// Freshness asks for a new enough value in a column of times.
type Freshness struct {
	Column string `json:"column"`
	MaxAge string `json:"max_age"` // such as 36h

	age time.Duration
}

// History bounds how far a number may lie from earlier versions', in robust deviations.
type History struct {
	Off  bool    `json:"off,omitempty"`
	Runs int     `json:"runs,omitempty"` // earlier versions that a verdict needs
	Warn float64 `json:"warn,omitempty"`
	Fail float64 `json:"fail,omitempty"`
}

// Drift compares columns with a version of a dataset.
type Drift struct {
	Reference string   `json:"reference"`         // NAME or NAME@VERSION
	Columns   []string `json:"columns,omitempty"` // none: all that both have
	Level     float64  `json:"level,omitempty"`
	Warn      float64  `json:"warn,omitempty"`
	Fail      float64  `json:"fail,omitempty"`
	Rows      uint64   `json:"rows,omitempty"`
}

// off switches a gate off.
const off = "off"

// CheckSpec reads the spec of a stage of kind validate as a validator would; its errors name the field. Concurrent use is safe.
func CheckSpec(data []byte) error {
	_, err := readSpec(data)
	return err
}

// readSpec reads a stage's spec; its errors name the field.
func readSpec(data []byte) (*Spec, error) {
	s := &Spec{}
	d := json.NewDecoder(bytes.NewReader(cmpBytes(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("it is not a mapping of suite, result_format, parameters, fail_fast, max_quarantine, sql, tables, redact and gates in JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON object of the spec; take it away")
	}
	if err := s.read(); err != nil {
		return nil, err
	}
	return s, s.Gates.read()
}

// cmpBytes lets no spec be an empty one.
func cmpBytes(data []byte) []byte {
	if len(bytes.TrimSpace(data)) == 0 {
		return []byte("{}")
	}
	return data
}

func (s *Spec) read() (err error) {
	if len(s.Suite) > 0 {
		if s.suite, err = gx.ParseSuite(s.Suite); err != nil {
			return fmt.Errorf("suite: %w", err)
		}
	}
	s.format = gx.ResultFormat{Level: gx.Summary, Partial: -1}
	if len(s.ResultFormat) > 0 {
		if s.format, err = gx.ReadResultFormat(s.ResultFormat); err != nil {
			return fmt.Errorf("result_format: %w", err)
		}
	}
	if len(s.Parameters) > 0 {
		if s.parameters, err = gx.ReadParameters(s.Parameters); err != nil {
			return fmt.Errorf("parameters: %w", err)
		}
	}
	if s.tables, err = gx.ReadTables(s.Tables); err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	if len(s.Most) > 0 {
		if s.most, err = readMost(s.Most); err != nil {
			return fmt.Errorf("max_quarantine: %w", err)
		}
	}
	switch report.Redact(s.Redact) {
	case "", report.RedactPII, report.RedactAll, report.RedactNone:
		return nil
	}
	return fmt.Errorf("redact: %q is none of pii, all and none", s.Redact)
}

func (g *Gates) read() (err error) {
	if n := g.MinNewRows; n != nil && *n < 0 {
		return fmt.Errorf("gates.min_new_rows: %d is below 0", *n)
	}
	switch gates.Match(g.Schema) {
	case "", gates.Equal, gates.Compatible, off:
	default:
		return fmt.Errorf("gates.schema: %q is none of compatible, equal and off", g.Schema)
	}
	if f := g.Freshness; f != nil {
		if f.age, err = time.ParseDuration(f.MaxAge); err != nil || f.age <= 0 || f.Column == "" {
			return fmt.Errorf("gates.freshness: it needs a column, and a max_age above 0 such as 36h, not %q", f.MaxAge)
		}
	}
	for name, h := range map[string]*History{"volume": g.Volume, "nulls": g.Nulls} {
		if err := h.limits().Validate(); err != nil {
			return fmt.Errorf("gates.%s: %w", name, err)
		}
	}
	if g.Drift != nil {
		if g.Drift.Reference == "" {
			return errors.New("gates.drift: it needs a reference, NAME or NAME@VERSION of a dataset")
		}
		if err := g.Drift.limits().Validate(); err != nil {
			return fmt.Errorf("gates.drift: %w", err)
		}
	}
	return nil
}

func (g *Gates) least() int64 {
	if g.MinNewRows == nil {
		return gates.DefaultMinRows
	}
	return *g.MinNewRows
}

func (h *History) limits() gates.History {
	out := gates.DefaultHistory()
	if h != nil {
		out.Runs, out.Warn, out.Fail = cmp.Or(h.Runs, out.Runs), cmp.Or(h.Warn, out.Warn), cmp.Or(h.Fail, out.Fail)
	}
	return out
}

func (d *Drift) limits() gates.DriftLimits {
	out := gates.DefaultDriftLimits()
	out.Level, out.Warn, out.Fail, out.Rows = cmp.Or(d.Level, out.Level), cmp.Or(d.Warn, out.Warn), cmp.Or(d.Fail, out.Fail), cmp.Or(d.Rows, out.Rows)
	return out
}

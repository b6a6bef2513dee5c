// Package csv reads delimited text (CSV, TSV), packed or not, as RFC 4180 has it. Values go from the text straight into columns.
package csv

import (
	"errors"
	"strings"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
)

// Options is `type: csv` or `type: tsv`.
type Options struct {
	Delimiter     string    `yaml:"delimiter"`   // one character; default a comma, of tsv a tab
	Quote         string    `yaml:"quote"`       // one character, or none; default "
	Header        Header    `yaml:"header"`      // true (default): the first record names the columns; false: they are c0, c1, …; or the names
	Skip          int       `yaml:"skip_lines"`  // lines before the header, or the first record
	Nulls         *[]string `yaml:"null_values"` // unquoted fields that are nulls; default the empty one
	files.Options `yaml:",inline"`
}

// Header says where the columns' names come from.
type Header struct {
	absent bool
	names  []string
}

// UnmarshalYAML takes a bool or a list of names.
func (h *Header) UnmarshalYAML(unmarshal func(any) error) error {
	var has bool
	if unmarshal(&has) == nil {
		h.absent = !has
		return nil
	}
	if unmarshal(&h.names) == nil && len(h.names) > 0 {
		h.absent = true
		return nil
	}
	return errors.New("`header` is true, false or a list of the columns' names")
}

const none = "none"

// Check fills in the defaults and says, by key, what cannot be.
func (o *Options) Check() error {
	if o.Delimiter == "" {
		o.Delimiter = ","
		if o.Type == "tsv" {
			o.Delimiter = "\t"
		}
	}
	if o.Quote == "" {
		o.Quote = `"`
	}
	if o.Nulls == nil {
		o.Nulls = &[]string{""}
	}
	switch {
	case len(o.Delimiter) != 1 || strings.ContainsAny(o.Delimiter, "\r\n"):
		return source.Errorf(source.Invalid, "source: `delimiter: %q` is not one ASCII character", o.Delimiter)
	case o.Quote != none && (len(o.Quote) != 1 || o.Quote == o.Delimiter || strings.ContainsAny(o.Quote, "\r\n")):
		return source.Errorf(source.Invalid, "source: `quote: %q` is neither one ASCII character, another one than the delimiter, nor none", o.Quote)
	case o.Skip < 0:
		return source.Errorf(source.Invalid, "source: `skip_lines: %d` must not be negative", o.Skip)
	}
	return o.Options.Check()
}

// New is a source.Maker.
func New(spec []byte, d source.Deps) (source.Source, error) {
	var o Options
	if err := source.Decode(spec, &o); err != nil {
		return nil, err
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	return &files.Source{Tree: files.On(d), Format: Format{o}, Options: o.Options}, nil
}

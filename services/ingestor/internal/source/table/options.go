// Package table says which columns the rows of a source have, given in its YAML or inferred from a sample, and turns records into them: names, casts,
// constants, defaults. What does not fit is refused with a reason, never changed in silence. It reads no files.
package table

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Options is the part of a source's YAML that is the same for every source with records. Inline it.
type Options struct {
	Columns []Column  `yaml:"columns"`          // none: all that the input has
	Rest    string    `yaml:"rest"`             // what `columns` does not name: drop (default where columns are given), keep, or refuse a record that has it
	Drop    []string  `yaml:"drop"`             // of what is kept: not these
	Sample  int       `yaml:"sample"`           // records that are looked at where types are inferred; default 1000
	MaxBad  Tolerance `yaml:"max_bad"`          // bad records of a partition, as a number (100) or a share (1%); default 1%
	OnBad   string    `yaml:"on_bad_record"`    // reject (default) or fail at the first one
	UTF8    string    `yaml:"invalid_utf8"`     // reject (default) or replace with U+FFFD
	Record  int64     `yaml:"max_record_bytes"` // a longer record is refused; default 64 MiB
	Batch   int64     `yaml:"batch_bytes"`      // where batches are cut; default 768 KiB
}

// Column is an output column.
type Column struct {
	Name     string `yaml:"name"`
	From     string `yaml:"from"`     // the input's name for it, default Name; "$.meta.tags[0]" reaches into what is nested
	Type     string `yaml:"type"`     // as Arrow prints it, or json: the value's JSON text; default: as the input has it
	Const    any    `yaml:"const"`    // the same value in every row
	Default  any    `yaml:"default"`  // in place of a null or a value that is not there
	Required bool   `yaml:"required"` // a record without it is refused
}

// UnmarshalYAML takes a mapping, or a string that is the name.
func (c *Column) UnmarshalYAML(unmarshal func(any) error) error {
	if err := unmarshal(&c.Name); err == nil {
		return nil
	}
	type plain Column
	return unmarshal((*plain)(c))
}

// The words of Rest, OnBad and UTF8.
const (
	Keep    = "keep"
	Drop    = "drop"
	Refuse  = "refuse"
	Reject  = "reject"
	Fail    = "fail"
	Replace = "replace"
)

// Check fills in the defaults and says, by key, what cannot be.
func (o *Options) Check() error {
	if o.Rest == "" {
		o.Rest = Keep
		if len(o.Columns) > 0 {
			o.Rest = Drop
		}
	}
	for _, w := range []struct {
		key   string
		value *string
		words []string
	}{{"rest", &o.Rest, []string{Keep, Drop, Refuse}}, {"on_bad_record", &o.OnBad, []string{Reject, Fail}}, {"invalid_utf8", &o.UTF8, []string{Reject, Replace}}} {
		if err := word(w.key, w.value, w.words); err != nil {
			return err
		}
	}
	defaults(&o.Sample, 1000)
	defaults(&o.Record, 64<<20)
	defaults(&o.Batch, 768<<10)
	if o.Sample < 1 || o.Record < 1 || o.Batch < 1 {
		return source.Errorf(source.Invalid, "source: sample, max_record_bytes and batch_bytes must be positive")
	}
	if len(o.Columns) == 0 && o.Rest == Drop {
		return source.Errorf(source.Invalid, "source: `rest: drop` without `columns` leaves nothing; name the columns or say `rest: keep`")
	}
	return o.checkColumns()
}

func defaults[T int | int64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Word sets an empty value to the first of the words, and refuses any that is none of them.
func Word(key string, value *string, words ...string) error { return word(key, value, words) }

func word(key string, value *string, words []string) error {
	if *value == "" {
		*value = words[0]
	}
	for _, w := range words {
		if *value == w {
			return nil
		}
	}
	return source.Errorf(source.Invalid, "source: `%s: %s`%s; it is one of %s", key, *value, source.Suggest(*value, words), strings.Join(words, ", "))
}

func (o *Options) checkColumns() error {
	seen := map[string]bool{}
	for i, c := range o.Columns {
		switch {
		case c.Name == "":
			return source.Errorf(source.Invalid, "source: columns[%d] has no `name`", i)
		case seen[c.Name]:
			return source.Errorf(source.Invalid, "source: two columns are named %q; a name is for one column", c.Name)
		case c.Const != nil && (c.From != "" || c.Default != nil):
			return source.Errorf(source.Invalid, "source: column %q has `const` and also `from` or `default`; a constant needs neither", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

// Tolerance is how many bad records are too many.
type Tolerance struct {
	Number int64   `json:"number,omitempty"` // more than this
	Share  float64 `json:"share,omitempty"`  // or more than this share of all records
	set    bool
}

// atLeast is how many records a share is taken of at least, before the end of a partition.
const atLeast = 1000

// UnmarshalYAML takes 100, 1% or 0.01.
func (t *Tolerance) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(number, 64)
	whole := v == float64(int64(v)) && !strings.Contains(number, ".")
	switch {
	case err == nil && percent && v >= 0 && v <= 100:
		*t = Tolerance{Share: v / 100, set: true}
	case err == nil && !percent && whole && v >= 0:
		*t = Tolerance{Number: int64(v), set: true}
	case err == nil && !percent && v >= 0 && v <= 1:
		*t = Tolerance{Share: v, set: true}
	default:
		return fmt.Errorf("max_bad %q is neither a number of records (100) nor a share of them (1%%)", text)
	}
	return nil
}

// Exceeded says whether bad records out of all are too many; at the end a share counts however few records there were.
func (t Tolerance) Exceeded(bad, all int64, end bool) bool {
	switch {
	case bad == 0:
		return false
	case !t.set:
		t.Share = 0.01
	case t.Share == 0:
		return bad > t.Number
	}
	return (end || all >= atLeast) && float64(bad) > t.Share*float64(all)
}

// String is the tolerance as YAML has it.
func (t Tolerance) String() string {
	switch {
	case !t.set:
		return "1%"
	case t.Share > 0:
		return strconv.FormatFloat(t.Share*100, 'g', -1, 64) + "%"
	}
	return strconv.FormatInt(t.Number, 10)
}

package delta

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/columnar"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
)

// Options is `type: delta`.
type Options struct {
	Version       *int64           `yaml:"version"` // of the table; default the last one
	files.Options `yaml:",inline"` // path is the table's directory
}

// New is a source.Maker.
func New(spec []byte, d source.Deps) (source.Source, error) {
	var o Options
	if err := source.Decode(spec, &o); err != nil {
		return nil, err
	}
	return NewOn(o, files.On(d))
}

// NewOn reads a table that lies in a tree.
func NewOn(o Options, t files.Tree) (source.Source, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	switch {
	case len(o.Paths) != 1 || files.IsPattern(o.Paths[0]):
		return nil, source.Errorf(source.Invalid, "source: `path` is one Delta table's directory, not a pattern and not several")
	case o.Since != "":
		return nil, source.Errorf(source.Invalid, "source: `since` does not go with `type: delta`; say `version`, or let runs remember how far they came")
	case o.Version != nil && *o.Version < 0:
		return nil, source.Errorf(source.Invalid, "source: `version: %d` must not be negative", *o.Version)
	}
	table := files.Clean(o.Paths[0])
	return &files.Source{Tree: t, Format: columnar.Parquet(o.Options.Options), Lister: &lister{table, o.Version}, Options: o.Options}, nil
}

type lister struct {
	table   string
	version *int64
}

// mark is how far a run has read.
type mark struct {
	Version int64 `json:"version"`
}

// List implements files.Lister. After an earlier run it gives the files whose rows were added since; a table of which rows were changed or deleted since
// is refused, as those are in the earlier run's data.
func (l *lister) List(ctx context.Context, t files.Tree, before json.RawMessage) (*files.Listing, error) {
	log, err := openLog(ctx, t, l.table)
	if err != nil {
		return nil, err
	}
	version := log.last
	if l.version != nil {
		version = *l.version
	}
	if version > log.last {
		return nil, source.Errorf(source.Missing, "%s has no version %d; the last one is %d", l.table, version, log.last)
	}
	s, err := log.at(ctx, version)
	if err != nil {
		return nil, err
	}
	out := &files.Listing{Notes: []string{fmt.Sprintf("%s: version %d of the Delta table, %d files", l.table, version, len(s.adds))}}
	if out.Mark, err = json.Marshal(mark{version}); err != nil {
		return nil, err
	}
	if err := describe(out, s); err != nil {
		return nil, source.Errorf(source.Refused, "the Delta table %s, version %d: %w", l.table, version, err)
	}
	adds := s.adds
	if len(before) > 0 {
		var m mark
		if err := json.Unmarshal(before, &m); err != nil {
			return nil, source.Errorf(source.Malformed, "the watermark is not one of a Delta table: %w; begin again with --full", err)
		}
		if adds, err = log.since(ctx, m.Version, version); err != nil {
			return nil, err
		}
	}
	out.In, err = l.inputs(adds)
	return out, err
}

// describe says which columns the table has.
func describe(out *files.Listing, s *state) error {
	var err error
	if out.Fields, err = fieldsOf(s.metadata.Schema); err != nil {
		return err
	}
	out.ByFile = s.metadata.Partition
	for _, p := range out.ByFile {
		if !slices.ContainsFunc(out.Fields, func(f arrowio.Field) bool { return f.Name == p }) {
			return fmt.Errorf("it is partitioned by %q, which is no column", p)
		}
	}
	return nil
}

// since are the files that commits after a version added rows by.
func (l *log) since(ctx context.Context, from, to int64) (map[string]*add, error) {
	if to < from {
		return nil, source.Errorf(source.Changed, "%s: an earlier run read version %d, and this one is to read %d; begin again with --full", l.table, from, to)
	}
	out := map[string]*add{}
	for v := from + 1; v <= to; v++ {
		name, ok := l.commits[v]
		if !ok {
			return nil, source.Errorf(source.Missing, "%s: an earlier run read version %d, and commit %d, which says what was new after it, has been cleaned up; begin again with --full", l.table, from, v)
		}
		operation := "an operation"
		gone := ""
		err := l.commit(ctx, name, func(a action) error {
			switch {
			case a.Info != nil && a.Info.Operation != "":
				operation = a.Info.Operation
			case a.Add != nil && a.Add.DataChange:
				out[a.Add.Path] = a.Add
				return l.whole(a.Add)
			case a.Remove != nil && (a.Remove.DataChange == nil || *a.Remove.DataChange):
				gone = a.Remove.Path
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if gone != "" {
			return nil, source.Errorf(source.Changed, "%s: version %d (%s) changed or deleted rows that an earlier run has read (%s); begin again with --full", l.table, v, operation, gone)
		}
	}
	return out, nil
}

// inputs are the files in order of their paths.
func (l *lister) inputs(adds map[string]*add) ([]files.Input, error) {
	s := state{adds: adds}
	var out []files.Input
	for _, p := range s.paths() {
		a := adds[p]
		name, err := l.locate(p)
		if err != nil {
			return nil, err
		}
		in := files.Input{Entry: files.Entry{Name: name, Size: a.Size, Version: fmt.Sprintf("delta:%d:%d", a.Size, a.Modified)}}
		if len(a.Partition) > 0 {
			in.Implicit = map[string]*string{}
		}
		for k, v := range a.Partition {
			if v != nil && *v != "" && *v != "__HIVE_DEFAULT_PARTITION__" {
				in.Implicit[k] = v
			}
		}
		out = append(out, in)
	}
	return out, nil
}

// locate is where a file of the log lies.
func (l *lister) locate(p string) (string, error) {
	u, err := url.Parse(p)
	if err != nil {
		return "", source.Errorf(source.Malformed, "%s: the log names a file %q, which is no URI: %w", l.table, p, err)
	}
	switch {
	case u.Scheme == "file":
		return u.Path, nil
	case u.Scheme != "":
		return "", source.Errorf(source.Refused, "%s: the log names the file %s, which lies elsewhere (a shallow clone); read the table that it was cloned from", l.table, p)
	case path.IsAbs(u.Path):
		return u.Path, nil
	}
	return path.Join(l.table, u.Path), nil
}

package files

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Options is the part of the YAML that is the same for every source of files. Inline it.
type Options struct {
	Type          string   `yaml:"type"`
	Path          string   `yaml:"path"`            // a file, a directory or a glob
	Paths         []string `yaml:"paths"`           // several of them
	Changed       string   `yaml:"on_changed"`      // a file that an earlier run read and that has changed: refuse (default) or reread
	Since         string   `yaml:"since"`           // only files that were modified then or later: 2026-01-31, or a timestamp with a zone
	Partition     int64    `yaml:"partition_bytes"` // about so much of the files is a partition; default 256 MiB
	Partitions    int      `yaml:"max_partitions"`  // never more than these; default 64
	table.Options `yaml:",inline"`
}

// The word of Changed that is not table.Refuse.
const reread = "reread"

// maxPartitions is what a data run carries at most.
const maxPartitions = 256

// Check fills in the defaults and says, by key, what cannot be.
func (o *Options) Check() error {
	if o.Path != "" {
		o.Paths = append([]string{o.Path}, o.Paths...)
		o.Path = ""
	}
	o.Partition = cmp.Or(o.Partition, 256<<20)
	o.Partitions = cmp.Or(o.Partitions, 64)
	switch {
	case len(o.Paths) == 0:
		return source.Errorf(source.Invalid, "source: `path` is missing: a file, a directory or a glob such as data/**/*.jsonl.gz")
	case o.Partition < 1:
		return source.Errorf(source.Invalid, "source: `partition_bytes: %d` must be positive", o.Partition)
	case o.Partitions < 1 || o.Partitions > maxPartitions:
		return source.Errorf(source.Invalid, "source: `max_partitions: %d` must be between 1 and %d", o.Partitions, maxPartitions)
	}
	for _, p := range o.Paths {
		if scheme, _, ok := strings.Cut(p, "://"); ok && scheme != "file" {
			return source.Errorf(source.Invalid, "source: `path: %s`: files of %s are read by `type: object` with `format: %s`", p, scheme, o.Type)
		}
	}
	if _, err := o.since(); err != nil {
		return err
	}
	if err := table.Word("on_changed", &o.Changed, table.Refuse, reread); err != nil {
		return err
	}
	return o.Options.Check()
}

func (o *Options) since() (time.Time, error) {
	if o.Since == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, o.Since); err == nil {
			return t, nil
		}
	}
	return time.Time{}, source.Errorf(source.Invalid, "source: `since: %s` is neither a date such as 2026-01-31 nor a time such as 2026-01-31T12:00:00Z", o.Since)
}

// Lister says which files there are, where patterns alone do not: a table's log, a dataset's description.
type Lister interface {
	// Inputs are the files in the order of their rows. Implicit are the columns that files give their records.
	Inputs(ctx context.Context, t Tree) (in []Input, implicit []arrowio.Field, err error)
}

// Source reads files of one format. It implements source.Source.
type Source struct {
	Tree   Tree
	Format Format
	Lister Lister // nil: the patterns of Options
	Options
}

var _ source.Source = (*Source)(nil)

// implicit is what the records of every file have beside their own.
func implicit() []arrowio.Field {
	return []arrowio.Field{{Name: "_file", Type: arrowio.Type{Kind: arrowio.String}}}
}

// Plan implements source.Source.
func (s *Source) Plan(ctx context.Context, since source.Watermark) (*source.Plan, error) {
	k, err := readKnown(since)
	if err != nil {
		return nil, err
	}
	in, extra, err := s.inputs(ctx)
	if err != nil {
		return nil, err
	}
	p := &source.Plan{}
	news, seen, err := k.fresh(ctx, s.Tree, in, s.Changed == reread)
	if err != nil {
		return nil, err
	}
	p.Seen = seen
	if err := s.layout(ctx, k, news, extra, p); err != nil {
		return nil, err
	}
	if err := s.parts(ctx, k.Layout, news, p); err != nil {
		return nil, err
	}
	p.Next, err = k.next(news)
	return p, err
}

func (s *Source) inputs(ctx context.Context) ([]Input, []arrowio.Field, error) {
	if s.Lister != nil {
		in, extra, err := s.Lister.Inputs(ctx, s.Tree)
		return in, append(implicit(), extra...), err
	}
	entries, err := s.Tree.List(ctx, s.Paths, func(name string) bool { return s.Format.Takes(Unpacking(name)) })
	if err != nil {
		return nil, nil, err
	}
	if len(entries) == 0 {
		return nil, nil, source.Errorf(source.Missing, "no file matches %s; a directory counts files that end as %s files do, a glob takes any", strings.Join(s.Paths, ", "), s.Type)
	}
	after, err := s.since()
	if err != nil {
		return nil, nil, err
	}
	var in []Input
	for _, e := range entries {
		if e.Modified.Before(after) && !e.Modified.IsZero() {
			continue
		}
		in = append(in, Input{Entry: e, Implicit: map[string]*string{"_file": &e.Name}})
	}
	return in, implicit(), nil
}

// layout settles the columns, and pins them for later runs.
func (s *Source) layout(ctx context.Context, k *known, news []Input, extra []arrowio.Field, p *source.Plan) error {
	columns := digestOf([]any{s.Columns, s.Rest, s.Drop, s.UTF8})
	if k.Layout != nil && k.Columns == columns {
		if err := k.Layout.Check(); err != nil {
			return err
		}
		p.Schema = k.Layout.Schema()
		return nil
	}
	var fields []arrowio.Field
	if s.Options.Undeclared() {
		if len(news) == 0 {
			return source.Errorf(source.Missing, "there is no new file to take the schema from; give every column a `type`, or begin again with --full")
		}
		var notes []string
		var err error
		if fields, notes, err = s.Format.Fields(ctx, s.Tree, news); err != nil {
			return err
		}
		p.Notes = append(p.Notes, notes...)
	}
	l, err := s.Resolve(fields, extra)
	if err != nil {
		return err
	}
	k.Columns, k.Layout, p.Schema = columns, l, l.Schema()
	return nil
}

func (s *Source) parts(ctx context.Context, l *table.Layout, news []Input, p *source.Plan) error {
	var units []Unit
	for _, e := range news {
		us, err := s.units(ctx, e, l)
		if err != nil {
			return err
		}
		if len(us) == 0 {
			p.Notes = append(p.Notes, fmt.Sprintf("%s is empty: 0 rows", e.Name))
		}
		units = append(units, us...)
	}
	for _, us := range group(units, s.Partition, s.Partitions) {
		one, err := part(l, us)
		if err != nil {
			return err
		}
		p.Parts = append(p.Parts, one)
	}
	return nil
}

func (s *Source) units(ctx context.Context, e Input, l *table.Layout) ([]Unit, error) {
	if e.Size == 0 {
		return nil, nil
	}
	f, err := s.Tree.Open(ctx, e.Name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	us, err := s.Format.Units(ctx, e, f, l, s.Partition)
	if err != nil {
		return nil, err
	}
	for i := range us {
		us[i].File, us[i].Size, us[i].Modified, us[i].Version, us[i].Implicit = e.Name, e.Size, stamp(e.Modified), e.Version, e.Implicit
	}
	return us, nil
}

package files

import (
	"cmp"
	"context"
	"encoding/json"
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
	// List gives the files in the order of their rows. Before is the Mark of the listing that the run before had, nil where there was none.
	List(ctx context.Context, t Tree, before json.RawMessage) (*Listing, error)
}

// Listing is what a Lister found.
type Listing struct {
	In       []Input
	Implicit []arrowio.Field // what files give their records beside their own, for columns that name it
	Fields   []arrowio.Field // the table's columns, where the files need not have all of them, nor with quite these types; nil: what the files have
	ByFile   []string        // of Fields, those that files give their records: partition columns
	Mark     json.RawMessage // for the next List
	Notes    []string
}

// Source reads files of one format. It implements source.Source.
type Source struct {
	Tree   Tree
	Format Format
	Lister Lister // nil: the patterns of Options
	Options
}

var _ source.Bounded = (*Source)(nil)

// Since implements source.Bounded: by when files were modified.
func (s *Source) Since(t time.Time) error {
	if s.Lister != nil {
		return source.Errorf(source.Invalid, "sources of type %s take no time: say which version, or let runs remember how far they came", s.Type)
	}
	own, err := s.since()
	if err == nil && t.After(own) {
		s.Options.Since = t.UTC().Format(time.RFC3339Nano)
	}
	return err
}

// implicit is what the records of every file have beside their own.
func implicit() []arrowio.Field {
	return []arrowio.Field{{Name: table.FileName, Type: arrowio.Type{Kind: arrowio.String}}}
}

// Plan implements source.Source.
func (s *Source) Plan(ctx context.Context, since source.Watermark) (*source.Plan, error) {
	k, err := readKnown(since)
	if err != nil {
		return nil, err
	}
	list, err := s.list(ctx, k)
	if err != nil {
		return nil, err
	}
	p := &source.Plan{Notes: list.Notes}
	news, seen, err := k.fresh(ctx, s.Tree, list.In, s.Changed == reread)
	if err != nil {
		return nil, err
	}
	p.Seen = seen
	if err := s.layout(ctx, k, news, list, p); err != nil {
		return nil, err
	}
	if err := s.parts(ctx, k.Layout, news, p); err != nil {
		return nil, err
	}
	k.Mark = list.Mark
	p.Next, err = k.next(news)
	return p, err
}

func (s *Source) list(ctx context.Context, k *known) (*Listing, error) {
	if s.Lister != nil {
		l, err := s.Lister.List(ctx, s.Tree, k.Mark)
		if err != nil {
			return nil, err
		}
		l.Implicit = append(implicit(), l.Implicit...)
		return l, nil
	}
	entries, err := s.Tree.List(ctx, s.Paths, func(name string) bool { return s.Format.Takes(Unpacking(name)) })
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, source.Errorf(source.Missing, "no file matches %s; a directory counts files that end as %s files do, a glob takes any", strings.Join(s.Paths, ", "), s.Type)
	}
	after, err := s.since()
	if err != nil {
		return nil, err
	}
	l := &Listing{Implicit: implicit()}
	for _, e := range entries {
		if e.Modified.IsZero() || !e.Modified.Before(after) {
			l.In = append(l.In, Input{Entry: e})
		}
	}
	return l, nil
}

// layout settles the columns, and pins them for later runs.
func (s *Source) layout(ctx context.Context, k *known, news []Input, list *Listing, p *source.Plan) error {
	columns := digestOf([]any{s.Columns, s.Rest, s.Drop, s.UTF8})
	if k.Layout != nil && k.Columns == columns {
		if err := k.Layout.Check(); err != nil {
			return err
		}
		p.Schema = k.Layout.Schema()
		return nil
	}
	fields, err := s.fields(ctx, news, list, p)
	if err != nil {
		return err
	}
	l, err := s.Resolve(fields, list.Implicit)
	if err != nil {
		return err
	}
	if list.Fields != nil {
		l.Loosen(list.ByFile)
	}
	k.Columns, k.Layout, p.Schema = columns, l, l.Schema()
	return nil
}

// fields are what the columns' types come from, where those are not declared.
func (s *Source) fields(ctx context.Context, news []Input, list *Listing, p *source.Plan) ([]arrowio.Field, error) {
	switch {
	case list.Fields != nil:
		return list.Fields, nil
	case !s.Undeclared():
		return nil, nil
	case len(news) == 0:
		return nil, source.Errorf(source.Missing, "there is no new file to take the schema from; give every column a `type`, or begin again with --full")
	}
	fields, notes, err := s.Format.Fields(ctx, s.Tree, news)
	p.Notes = append(p.Notes, notes...)
	return fields, err
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
	defer f.Close()
	us, err := s.Format.Units(ctx, e, f, l, s.Partition)
	if err != nil {
		return nil, err
	}
	for i := range us {
		us[i].File, us[i].Size, us[i].Modified, us[i].Version, us[i].Implicit = e.Name, e.Size, stamp(e.Modified), e.Version, e.Implicit
	}
	return us, nil
}

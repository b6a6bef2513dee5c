// Package formats knows the formats of files by their names, for sources that lie elsewhere than on this machine or come with a description, and
// names all sources of files for the registry.
package formats

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/columnar"
	"github.com/leathq/leat/services/ingestor/internal/source/csv"
	"github.com/leathq/leat/services/ingestor/internal/source/delta"
	"github.com/leathq/leat/services/ingestor/internal/source/document"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/huggingface"
	"github.com/leathq/leat/services/ingestor/internal/source/jsonl"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
	"github.com/leathq/leat/services/ingestor/internal/source/warc"
)

// Register adds all sources of files to a registry.
func Register(r *source.Registry) {
	r.Add("parquet", columnar.New)
	r.Add("arrow", columnar.New)
	r.Add("feather", columnar.New)
	r.Add("jsonl", jsonl.New)
	r.Add("csv", csv.New)
	r.Add("tsv", csv.New)
	r.Add("text", document.New)
	r.Add("html", document.New)
	r.Add("warc", warc.New)
	r.Add("delta", delta.New)
	r.Add("huggingface", func(spec []byte, d source.Deps) (source.Source, error) { return huggingface.New(spec, d, ByEnding) })
}

// maker checks a spec and gives its format and what it has in common with others.
type maker func(spec []byte) (files.Format, files.Options, error)

var makers = map[string]maker{
	"parquet": columns(columnar.Parquet), "arrow": columns(columnar.Arrow), "feather": columns(columnar.Arrow),
	"jsonl": columns(func(o table.Options) files.Format { return jsonl.Format{Options: o} }),
	"csv":   delimited, "tsv": delimited, "text": texts, "html": texts,
	"warc": func(spec []byte) (files.Format, files.Options, error) {
		var o warc.Options
		if err := source.Decode(spec, &o); err != nil {
			return nil, o.Options, err
		}
		f, err := warc.NewFormat(&o)
		return f, o.Options, err
	},
}

func columns(f func(table.Options) files.Format) maker {
	return func(spec []byte) (files.Format, files.Options, error) {
		var o files.Options
		if err := source.Decode(spec, &o); err != nil {
			return nil, o, err
		}
		if err := o.Check(); err != nil {
			return nil, o, err
		}
		return f(o.Options), o, nil
	}
}

func delimited(spec []byte) (files.Format, files.Options, error) {
	var o csv.Options
	if err := source.Decode(spec, &o); err != nil {
		return nil, o.Options, err
	}
	err := o.Check()
	return csv.Format{Options: o}, o.Options, err
}

func texts(spec []byte) (files.Format, files.Options, error) {
	var o document.Options
	if err := source.Decode(spec, &o); err != nil {
		return nil, o.Options, err
	}
	f, err := document.NewFormat(&o)
	return f, o.Options, err
}

// New is the format named by `type` in a spec, which is what that type's source has as YAML: paths, columns and the format's own keys. With a
// files.Tree and the options it makes a files.Source.
func New(kind string, spec []byte) (files.Format, files.Options, error) {
	m, ok := makers[kind]
	if !ok {
		names := slices.Sorted(maps.Keys(makers))
		return nil, files.Options{}, source.Errorf(source.Invalid, "source: no format %q%s; there are %s", kind, source.Suggest(kind, names), strings.Join(names, ", "))
	}
	return m(spec)
}

// Of is the type that a file's name says; empty where it says none. A name without an ending is a text's.
func Of(name string) string {
	for _, kind := range []string{"parquet", "arrow", "jsonl", "csv", "tsv", "html", "warc", "text"} {
		f, _, err := makers[kind]([]byte(`{"type": "` + kind + `", "path": "."}`))
		if err == nil && f.Takes(files.Unpacking(name)) {
			return kind
		}
	}
	return ""
}

// ByEnding is a Format that takes a file for what its name says: Parquet, Arrow, JSON Lines, CSV, TSV, web archives, HTML or text. All files must be of
// one of these.
func ByEnding(o table.Options) files.Format {
	csvs := csv.Options{Options: files.Options{Type: "csv", Paths: []string{"."}, Options: o}}
	tsvs := csv.Options{Options: files.Options{Type: "tsv", Paths: []string{"."}, Options: o}}
	texts := document.Options{Options: files.Options{Type: "text", Paths: []string{"."}, Options: o}, Each: "line"}
	if csvs.Check() != nil || tsvs.Check() != nil {
		panic("formats: options that were not checked")
	}
	text, err := document.NewFormat(&texts)
	if err != nil {
		panic("formats: options that were not checked")
	}
	return &byEnding{[]files.Format{columnar.Parquet(o), columnar.Arrow(o), &jsonl.Format{Options: o}, &csv.Format{Options: csvs}, &csv.Format{Options: tsvs}, text}}
}

type byEnding struct{ formats []files.Format }

// Takes implements files.Format.
func (b *byEnding) Takes(name string) bool { return b.of(name) != nil }

func (b *byEnding) of(name string) files.Format {
	for _, f := range b.formats {
		if f.Takes(files.Unpacking(name)) {
			return f
		}
	}
	return nil
}

// format is that of a file.
func (b *byEnding) format(name string) (files.Format, error) {
	if f := b.of(name); f != nil {
		return f, nil
	}
	return nil, source.Errorf(source.Refused, "%s: its name says no format that is known; say `type: parquet`, jsonl, csv … instead", name)
}

// Fields implements files.Format.
func (b *byEnding) Fields(ctx context.Context, t files.Tree, in []files.Input) ([]arrowio.Field, []string, error) {
	first, err := b.format(in[0].Name)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range in {
		f, err := b.format(e.Name)
		if err != nil {
			return nil, nil, err
		}
		if f != first {
			return nil, nil, source.Errorf(source.Schema, "%s and %s are files of different formats; read them as two sources", in[0].Name, e.Name)
		}
	}
	return first.Fields(ctx, t, in)
}

// Units implements files.Format.
func (b *byEnding) Units(ctx context.Context, in files.Input, f files.File, l *table.Layout, size int64) ([]files.Unit, error) {
	format, err := b.format(in.Name)
	if err != nil {
		return nil, err
	}
	return format.Units(ctx, in, f, l, size)
}

// Open implements files.Format.
func (b *byEnding) Open(ctx context.Context, f files.File, u files.Unit, at files.Place, s *table.Sink) (files.Reader, error) {
	format, err := b.format(u.File)
	if err != nil {
		return nil, err
	}
	return format.Open(ctx, f, u, at, s)
}

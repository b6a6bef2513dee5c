// Package huggingface reads dataset directories as the Hugging Face hub has them: data files of one format, by configuration and split, as the
// README's front matter says or as their names do. It downloads nothing and runs no loading scripts.
package huggingface

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Options is `type: huggingface`.
type Options struct {
	Config        string           `yaml:"config"` // default: the one that is called default, or the only one
	Splits        []string         `yaml:"splits"` // default: all
	files.Options `yaml:",inline"` // path is the dataset's directory
}

// What records have beside their own, for columns that name it.
const (
	splitName  = "_split"
	configName = "_config"
)

// New reads the dataset at `path`; format is what its files are read by.
func New(spec []byte, d source.Deps, format func(table.Options) files.Format) (source.Source, error) {
	var o Options
	if err := source.Decode(spec, &o); err != nil {
		return nil, err
	}
	return NewOn(o, files.On(d), format)
}

// NewOn reads a dataset that lies in a tree.
func NewOn(o Options, t files.Tree, format func(table.Options) files.Format) (source.Source, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if len(o.Paths) != 1 || files.IsPattern(o.Paths[0]) {
		return nil, source.Errorf(source.Invalid, "source: `path` is one dataset's directory, not a pattern and not several")
	}
	if o.Since != "" {
		return nil, source.Errorf(source.Invalid, "source: `since` does not go with `type: huggingface`")
	}
	f := format(o.Options.Options)
	return &files.Source{Tree: t, Format: f, Lister: &lister{files.Clean(o.Paths[0]), o, f.Takes}, Options: o.Options}, nil
}

type lister struct {
	root  string
	want  Options
	takes func(name string) bool
}

// split is a named part of a configuration.
type split struct {
	name     string
	patterns []string // relative to the dataset
}

// List implements files.Lister: files in the order of splits, and within them by name.
func (l *lister) List(ctx context.Context, t files.Tree, _ json.RawMessage) (*files.Listing, error) {
	config, splits, err := l.describe(ctx, t)
	if err != nil {
		return nil, err
	}
	text := arrowio.Type{Kind: arrowio.String}
	out := &files.Listing{Implicit: []arrowio.Field{{Name: splitName, Type: text}, {Name: configName, Type: text}}}
	var names []string
	taken := map[string]string{}
	for _, s := range splits {
		names = append(names, s.name)
		if len(l.want.Splits) > 0 && !slices.Contains(l.want.Splits, s.name) {
			continue
		}
		entries, err := l.files(ctx, t, s)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if other, twice := taken[e.Name]; twice {
				return nil, source.Errorf(source.Invalid, "%s is in the splits %q and %q; choose one with `splits: [%s]`", e.Name, other, s.name, s.name)
			}
			taken[e.Name] = s.name
			out.In = append(out.In, files.Input{Entry: e, Implicit: map[string]*string{splitName: &s.name, configName: &config}})
		}
		out.Notes = append(out.Notes, fmt.Sprintf("split %s of configuration %s: %d files", s.name, config, len(entries)))
	}
	for _, w := range l.want.Splits {
		if !slices.Contains(names, w) {
			return nil, source.Errorf(source.Missing, "%s has no split %q%s in configuration %q; it has %s", l.root, w, source.Suggest(w, names), config, strings.Join(names, ", "))
		}
	}
	return out, nil
}

// files are a split's.
func (l *lister) files(ctx context.Context, t files.Tree, s split) ([]files.Entry, error) {
	patterns := make([]string, len(s.patterns))
	for i, p := range s.patterns {
		if strings.Contains(p, "://") || path.IsAbs(p) || strings.HasPrefix(path.Clean(p), "..") {
			return nil, source.Errorf(source.Refused, "%s: split %q is at %s, outside the dataset; only files in it are read", l.root, s.name, p)
		}
		patterns[i] = path.Join(l.root, p)
	}
	entries, err := t.List(ctx, patterns, l.takesBelow)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, source.Errorf(source.Missing, "%s: split %q has no files (%s); is the whole dataset there, large files included?", l.root, s.name, strings.Join(s.patterns, ", "))
	}
	return entries, nil
}

func (l *lister) takesBelow(name string) bool { return l.takes(files.Unpacking(name)) }

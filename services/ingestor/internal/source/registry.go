package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/leathq/leat/pkg/near"
)

// Deps are what a source may use of the process that it runs in.
type Deps struct {
	Dir    string                   // what relative paths start from; empty: the working directory
	Getenv func(name string) string // for secrets, which YAML names but never holds; a name that nobody may use is empty. See Secret
	Log    *slog.Logger             // never nil; gets no data and no secrets
	Bounds Bounds
}

// Maker makes a source of its spec: the mapping that stands under `source:` in YAML (JSON is YAML), `type` included. It checks everything that needs
// no look at the input; its errors name the key.
type Maker func(spec []byte, d Deps) (Source, error)

// Registry knows the kinds of sources by the word after `type:`. Fill it before it is used; then any number of goroutines may.
type Registry struct {
	makers map[string]Maker
	other  func(kind string) (Maker, error)
}

// NewRegistry is an empty one.
func NewRegistry() *Registry { return &Registry{makers: map[string]Maker{}} }

// Add makes a kind known. It panics where the kind is known already: a mistake in the wiring.
func (r *Registry) Add(kind string, m Maker) {
	if _, ok := r.makers[kind]; ok {
		panic("source: two sources of type " + kind)
	}
	r.makers[kind] = m
}

// Otherwise asks f for kinds that nobody added: programs of their own. A nil Maker without an error means that f does not know the kind either.
func (r *Registry) Otherwise(f func(kind string) (Maker, error)) { r.other = f }

// Kinds are the kinds that were added, sorted.
func (r *Registry) Kinds() []string { return slices.Sorted(maps.Keys(r.makers)) }

// Make reads `type` of a spec and makes its source.
func (r *Registry) Make(spec []byte, d Deps) (Source, error) {
	var head struct {
		Type string `yaml:"type"`
	}
	if err := yaml.Unmarshal(spec, &head); err != nil {
		return nil, Errorf(Invalid, "source: %w", err)
	}
	if head.Type == "" {
		return nil, Errorf(Invalid, "source: `type` is missing; it is one of %s", strings.Join(r.Kinds(), ", "))
	}
	m, ok := r.makers[head.Type]
	if !ok && r.other != nil {
		var err error
		if m, err = r.other(head.Type); err != nil && Suggest(head.Type, r.Kinds()) == "" { // else it is a slip of the pen, and no program
			return nil, err
		}
	}
	if m == nil {
		return nil, Errorf(Invalid, "source: no type %q%s; there are %s", head.Type, Suggest(head.Type, r.Kinds()), strings.Join(r.Kinds(), ", "))
	}
	return m(spec, d)
}

// Decode reads a spec into a struct with yaml tags, one of which must be `type`. A key that the struct does not have is an error that names it and
// its line.
func Decode(spec []byte, into any) error {
	err := yaml.NewDecoder(bytes.NewReader(spec), yaml.Strict()).Decode(into)
	if err != nil && !errors.Is(err, io.EOF) {
		return Errorf(Invalid, "source: %w", err)
	}
	return nil
}

// Suggest is ` (do you mean "x"?)` for the nearest of the known words, empty where none is near.
func Suggest(word string, known []string) string {
	at := near.Word(word, known, max(len(word)/2+1, 3))
	if at == "" {
		return ""
	}
	return fmt.Sprintf(" (do you mean %q?)", at)
}

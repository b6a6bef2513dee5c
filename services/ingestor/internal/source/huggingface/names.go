package huggingface

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
)

// keywords are the words in files' names that say their split, as the hub reads them.
var keywords = []struct {
	split string
	words []string
}{
	{"train", []string{"train", "training"}},
	{"validation", []string{"validation", "valid", "val", "dev"}},
	{"test", []string{"test", "testing", "eval", "evaluation"}},
}

// order sorts splits as they are used: train, validation, test, then others by name.
func order(splits []split) {
	rank := func(s split) int {
		for i, k := range keywords {
			if k.split == s.name {
				return i
			}
		}
		return len(keywords)
	}
	slices.SortFunc(splits, func(a, b split) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a.name, b.name)
	})
}

// byName finds splits by the names of the files: those in data/, if there are any, else all.
func (l *lister) byName(ctx context.Context, t files.Tree, dir string) ([]split, error) {
	root := path.Join(l.root, dir)
	all, err := t.List(ctx, []string{root}, l.takesBelow)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range all {
		if base := path.Base(e.Name); base != "README.md" && base != "LICENSE" && !strings.HasPrefix(base, "dataset_info") && base != "state.json" {
			names = append(names, strings.TrimPrefix(e.Name, l.root+"/"))
		}
	}
	if data := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, "data/") }); len(data) > 0 {
		names = data
	}
	if len(names) == 0 {
		return nil, source.Errorf(source.Missing, "%s has no data files; is the whole dataset there, large files included?", root)
	}
	by := map[string][]string{}
	for _, n := range names {
		s := splitOf(n)
		by[s] = append(by[s], literal(n))
	}
	var out []split
	for s, ns := range by {
		out = append(out, split{s, ns})
	}
	order(out)
	return out, nil
}

// literal is a pattern that matches a name alone.
func literal(name string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(name)
}

// splitOf is the split that a file's path says; train where it says none.
func splitOf(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' })
	for i := len(words) - 1; i >= 0; i-- {
		for _, k := range keywords {
			if slices.Contains(k.words, words[i]) {
				return k.split
			}
		}
	}
	return "train"
}

package huggingface

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
)

// maxReadme bounds what of a README is read, in bytes.
const maxReadme = 4 << 20

// config is an entry of `configs` in a README's front matter.
type config struct {
	Name    string `yaml:"config_name"`
	Dir     string `yaml:"data_dir"`
	Files   any    `yaml:"data_files"` // a pattern, a list of them, a list of {split, path}, or a mapping from split to patterns
	Default bool   `yaml:"default"`
}

// describe is the configuration that is wanted, and its splits.
func (l *lister) describe(ctx context.Context, t files.Tree) (string, []split, error) {
	configs, err := l.readme(ctx, t)
	if err != nil {
		return "", nil, err
	}
	if len(configs) == 0 {
		if l.want.Config != "" && l.want.Config != "default" {
			return "", nil, source.Errorf(source.Missing, "%s has no configuration %q: its README names none", l.root, l.want.Config)
		}
		splits, err := l.byName(ctx, t, "")
		return "default", splits, err
	}
	c, err := l.choose(configs)
	if err != nil {
		return "", nil, err
	}
	if c.Files == nil {
		splits, err := l.byName(ctx, t, c.Dir)
		return c.Name, splits, err
	}
	splits, err := splitsOf(c.Files)
	if err != nil {
		return "", nil, source.Errorf(source.Malformed, "%s/README.md: configuration %q: %w", l.root, c.Name, err)
	}
	for i := range splits {
		for j, p := range splits[i].patterns {
			if !strings.Contains(p, "://") && !path.IsAbs(p) { // those are refused as they are written
				splits[i].patterns[j] = path.Join(c.Dir, p)
			}
		}
	}
	return c.Name, splits, nil
}

func (l *lister) choose(configs []config) (config, error) {
	var names []string
	for i := range configs {
		if configs[i].Name == "" {
			configs[i].Name = "default"
		}
		names = append(names, configs[i].Name)
	}
	if l.want.Config != "" {
		if i := slices.Index(names, l.want.Config); i >= 0 {
			return configs[i], nil
		}
		return config{}, source.Errorf(source.Missing, "%s has no configuration %q%s; it has %s", l.root, l.want.Config, source.Suggest(l.want.Config, names), strings.Join(names, ", "))
	}
	if len(configs) == 1 {
		return configs[0], nil
	}
	for i, c := range configs {
		if c.Default || c.Name == "default" {
			return configs[i], nil
		}
	}
	return config{}, source.Errorf(source.Invalid, "%s has several configurations and none is the default; choose one with `config`: %s", l.root, strings.Join(names, ", "))
}

// readme are the configurations that the README names; none where there is no README or it names none.
func (l *lister) readme(ctx context.Context, t files.Tree) ([]config, error) {
	name := path.Join(l.root, "README.md")
	f, err := t.Open(ctx, name)
	if source.CodeOf(err) == source.Missing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.NewSectionReader(f, 0, min(f.Size(), maxReadme)))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	rest, ok := bytes.CutPrefix(raw, []byte("---\n"))
	if !ok {
		return nil, nil
	}
	front, _, ok := bytes.Cut(rest, []byte("\n---"))
	if !ok {
		return nil, nil
	}
	var card struct {
		Configs []config `yaml:"configs"`
	}
	if err := yaml.Unmarshal(front, &card); err != nil {
		return nil, source.Errorf(source.Malformed, "%s: the front matter cannot be read: %w", name, err)
	}
	return card.Configs, nil
}

// splitsOf reads `data_files`.
func splitsOf(v any) ([]split, error) {
	switch v := v.(type) {
	case string:
		return []split{{"train", []string{v}}}, nil
	case map[string]any:
		return splitsOfMap(v)
	case []any:
		if len(v) == 0 {
			return nil, fmt.Errorf("data_files is empty")
		}
		if _, ok := v[0].(map[string]any); !ok {
			p, err := patterns(v)
			return []split{{"train", p}}, err
		}
		var out []split
		for _, e := range v {
			m, ok := e.(map[string]any)
			name, named := m["split"].(string)
			if !ok || !named {
				return nil, fmt.Errorf("data_files has an entry without a split: %v", e)
			}
			p, err := patterns(m["path"])
			if err != nil {
				return nil, err
			}
			out = append(out, split{name, p})
		}
		return out, nil
	}
	return nil, fmt.Errorf("data_files is a %T", v)
}

func splitsOfMap(m map[string]any) ([]split, error) {
	var out []split
	for name, v := range m {
		p, err := patterns(v)
		if err != nil {
			return nil, err
		}
		out = append(out, split{name, p})
	}
	order(out)
	return out, nil
}

func patterns(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case []any:
		var out []string
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("a path is a %T", e)
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("a path is a %T", v)
}

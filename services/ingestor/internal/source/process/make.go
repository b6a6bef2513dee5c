package process

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Make makes a source of `type: program`: a command of the user's own, and the configuration that it gets.
//
//	source:
//	  type: program
//	  command: [python3, my_source.py]
//	  idle: 1m                # how long it may be silent
//	  config: {any: thing}
func Make(spec []byte, d source.Deps) (source.Source, error) {
	var c struct {
		Type    string         `yaml:"type"`
		Command []string       `yaml:"command"`
		Idle    string         `yaml:"idle"`
		Config  map[string]any `yaml:"config"`
	}
	if err := source.Decode(spec, &c); err != nil {
		return nil, err
	}
	if !d.Bounds.Commands {
		return nil, source.Errorf(source.Denied, "source program: a run must not name commands here; set ingestor.allow_commands where everybody who submits runs may run any program as the ingestor, or put it as leat-source-<type> into ingestor.sources_dir")
	}
	o := options(d)
	if c.Idle != "" {
		var err error
		if o.Idle, err = time.ParseDuration(c.Idle); err != nil || o.Idle <= 0 {
			return nil, source.Errorf(source.Invalid, "source program: idle: must be a time such as 1m, not %q", c.Idle)
		}
	}
	if err := named(d, c.Config); err != nil {
		return nil, err
	}
	config, err := json.Marshal(c.Config)
	if err != nil {
		return nil, source.Errorf(source.Invalid, "source program: config: %w", err)
	}
	if len(c.Command) > 0 && strings.ContainsRune(c.Command[0], filepath.Separator) && !filepath.IsAbs(c.Command[0]) {
		c.Command[0] = filepath.Join(d.Dir, c.Command[0])
	}
	return made(New(c.Command, config, o))
}

// named refuses a configuration that names a variable of the environment that sources must not use: the program would find it empty.
func named(d source.Deps, config any) error {
	switch v := config.(type) {
	case []any:
		for _, x := range v {
			if err := named(d, x); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if name, ok := v[key].(string); ok && name != "" && (key == "env" || strings.HasSuffix(key, "_env")) {
				if _, err := d.Secret(key, name); err != nil {
					return err
				}
			}
			if err := named(d, v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func options(d source.Deps) Options {
	return Options{Log: d.Log, Dir: d.Dir, Env: d.Bounds.Environ()}
}

// Programs makes sources of programs that are called by their type: what Registry.Otherwise takes. dir is ingestor.sources_dir.
func Programs(dir string) func(kind string) (source.Maker, error) {
	return func(kind string) (source.Maker, error) {
		if kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return nil, nil // no name of a program
		}
		path, err := Find(kind, dir)
		if err != nil {
			return nil, err
		}
		return func(spec []byte, d source.Deps) (source.Source, error) {
			config, err := yaml.YAMLToJSON(spec)
			if err != nil {
				return nil, source.Errorf(source.Invalid, "source %s: %w", kind, err)
			}
			var keys any
			if err := json.Unmarshal(config, &keys); err != nil {
				return nil, source.Errorf(source.Invalid, "source %s: %w", kind, err)
			}
			if err := named(d, keys); err != nil {
				return nil, err
			}
			return made(New([]string{path}, config, options(d)))
		}, nil
	}
}

func made(s *Source, err error) (source.Source, error) {
	if err != nil {
		return nil, source.Errorf(source.Invalid, "%w", err)
	}
	return s, nil
}

// String names the program, for logs.
func (s *Source) String() string { return fmt.Sprintf("program %s", s.name) }

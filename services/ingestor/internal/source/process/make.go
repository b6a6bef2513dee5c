package process

import (
	"encoding/json"
	"fmt"
	"path/filepath"
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
	o := Options{Log: d.Log, Dir: d.Dir}
	if c.Idle != "" {
		var err error
		if o.Idle, err = time.ParseDuration(c.Idle); err != nil || o.Idle <= 0 {
			return nil, source.Errorf(source.Invalid, "source program: idle: must be a time such as 1m, not %q", c.Idle)
		}
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
			return made(New([]string{path}, config, Options{Log: d.Log, Dir: d.Dir}))
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

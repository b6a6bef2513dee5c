package runfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// settle puts in what the file only names: variables, the suite, and where relative paths start from.
func (p *page) settle(tree map[string]any) error {
	for key, value := range tree {
		v, err := p.expand(key, value)
		if err != nil {
			return err
		}
		tree[key] = v
	}
	if err := p.suite(tree["validate"]); err != nil {
		return err
	}
	if err := p.paths("source", tree["source"]); err != nil {
		return err
	}
	stages, _ := tree["stages"].([]any)
	for i, s := range stages {
		spec, _ := mapOf(s)["spec"].(map[string]any)
		if err := errors.Join(p.paths(fmt.Sprintf("stages[%d].spec.source", i), spec["source"]), p.suite(s, spec)); err != nil {
			return err
		}
	}
	return nil
}

func mapOf(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// suite puts in the file that a validate stage's suite names.
func (p *page) suite(stage any, spec ...map[string]any) error {
	m := mapOf(stage)
	if len(spec) > 0 {
		if m["kind"] != "validate" {
			return nil
		}
		m = spec[0]
	}
	name, ok := m["suite"].(string)
	if !ok {
		return nil
	}
	path := p.absolute(name)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s: suite: %w", p.line(name), err)
	}
	if len(text) > maxText {
		return fmt.Errorf("%s: suite: %s has %d bytes, and a suite at most %d", p.line(name), path, len(text), maxText)
	}
	if !json.Valid(text) {
		return fmt.Errorf("%s: suite: %s is not JSON; a suite is a file of Great Expectations' JSON", p.line(name), path)
	}
	m["suite"] = json.RawMessage(text)
	return nil
}

func (p *page) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	dir, err := filepath.Abs(filepath.Dir(p.name))
	if err != nil {
		return path
	}
	return filepath.Join(dir, path)
}

// programFiles are the keys of source programs that come with Leat whose values are files or directories. What a program of others means by its keys is not known.
var programFiles = map[string][]string{"sql": {"file"}, "iceberg": {"path", "metadata", "catalog.file"}}

// paths makes those of a source absolute.
func (p *page) paths(where string, source any) error {
	m := mapOf(source)
	kind, _ := m["type"].(string)
	keys := programFiles[kind]
	if slices.Contains(p.o.Files, kind) {
		keys = []string{"path"}
		if list, ok := m["paths"].([]any); ok {
			for i, v := range list {
				list[i] = p.found(where+".paths", v)
			}
		}
	}
	for _, key := range keys {
		in, name := m, key
		if outer, inner, nested := strings.Cut(key, "."); nested {
			in, name = mapOf(m[outer]), inner
		}
		if v, ok := in[name]; ok {
			in[name] = p.found(where+"."+key, v)
		}
	}
	if command, ok := m["command"].([]any); ok && kind == "program" && len(command) > 0 {
		if first, _ := command[0].(string); strings.ContainsRune(first, filepath.Separator) { // others are looked for in PATH
			command[0] = p.found(where+".command", first)
		}
	}
	return nil
}

// found is a value that names a file as an absolute path, which is noted.
func (p *page) found(where string, v any) any {
	text, ok := v.(string)
	if !ok || text == "" || strings.Contains(text, "://") || filepath.IsAbs(text) {
		return v
	}
	to := p.absolute(text)
	p.notes = append(p.notes, fmt.Sprintf("%s: %s is %s, which the ingestor reads", where, text, to))
	return to
}

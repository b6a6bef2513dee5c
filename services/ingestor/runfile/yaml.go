package runfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// maxText bounds a file, and a suite that it names.
const maxText = 16 << 20

// Options say how a file is read.
type Options struct {
	Files  []string                         // types of sources whose path and paths are the machine's own
	Getenv func(name string) (string, bool) // for ${NAME}
	Set    []string                         // KEY=VALUE: values in place of the file's, keys with dots between them, values in YAML
}

// File is a run that was read.
type File struct {
	Run   *datav1.Run
	Class string   // empty: not said
	Notes []string // what a person should know: paths that were made absolute
}

// Read reads a run from a YAML file. Errors name the line.
func Read(path string, o Options) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("%s has %d bytes, and a run at most %d: is it the right file?", path, len(text), maxText)
	}
	return Parse(path, text, o)
}

// Parse reads a run from the text of a YAML file; path is where it lies, of which relative paths are taken.
func Parse(path string, text []byte, o Options) (*File, error) {
	p := &page{name: path, text: text, o: o}
	root, err := p.root()
	if err != nil {
		return nil, err
	}
	if err := p.keys(root); err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.NodeToValue(root, &tree); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := p.set(tree); err != nil {
		return nil, err
	}
	if err := p.settle(tree); err != nil {
		return nil, err
	}
	data, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("%s: it has a value that JSON cannot say: %w", path, err)
	}
	d, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	run, err := d.run()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &File{Run: run, Class: d.Class, Notes: p.notes}, nil
}

// page is a file on its way.
type page struct {
	name  string
	text  []byte
	o     Options
	notes []string
}

// root is the file's one mapping.
func (p *page) root() (ast.Node, error) {
	file, err := parser.ParseBytes(p.text, 0)
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		return nil, fmt.Errorf("%s:%d:%d: %s", p.name, at.GetToken().Position.Line, at.GetToken().Position.Column, at.GetMessage())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	bodies := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool {
		return d.Body == nil || d.Body.Type() == ast.CommentType || d.Body.Type() == ast.NullType
	})
	switch {
	case len(bodies) == 0:
		return nil, fmt.Errorf("%s is empty; a run has at least a `source`", p.name)
	case len(bodies) > 1:
		return nil, fmt.Errorf("%s: a file is one run, here is a second one", p.at(bodies[1].Body))
	}
	return bodies[0].Body, nil
}

// at is "file:line" of a node.
func (p *page) at(n ast.Node) string {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return fmt.Sprintf("%s:%d", p.name, t.Position.Line)
	}
	return p.name
}

// keys refuses those that a run does not have.
func (p *page) keys(root ast.Node) error {
	return p.mapping(root, "a run", runKeys, func(key string, value ast.Node) error {
		switch key {
		case "limits":
			return p.mapping(value, "limits", limitKeys, nil)
		case "stages":
			list, ok := value.(*ast.SequenceNode)
			if !ok {
				return fmt.Errorf("%s: stages: it is a list, each with name, kind, from and spec", p.at(value))
			}
			for _, s := range list.Values {
				if err := p.mapping(s, "a stage", stageKeys, nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// mapping calls each for the pairs of a mapping whose keys must be known.
func (p *page) mapping(n ast.Node, what string, known []string, each func(key string, value ast.Node) error) error {
	var pairs []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		return fmt.Errorf("%s: %s is a mapping with some of the keys %s", p.at(n), what, strings.Join(known, ", "))
	}
	for _, pair := range pairs {
		key := strings.Trim(pair.Key.String(), `"'`)
		if !slices.Contains(known, key) {
			return fmt.Errorf("%s: %s has no key %q%s", p.at(pair.Key), what, key, hint(key, known))
		}
		if each != nil {
			if err := each(key, pair.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// set puts values in place of the file's.
func (p *page) set(tree map[string]any) error {
	for _, text := range p.o.Set {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return fmt.Errorf("--set %s: it is KEY=VALUE, such as --set source.path=raw", text)
		}
		var v any
		if err := yaml.Unmarshal([]byte(value), &v); err != nil {
			return fmt.Errorf("--set %s: the value is not YAML: %w", text, err)
		}
		into, parts := tree, strings.Split(key, ".")
		if !slices.Contains(runKeys, parts[0]) {
			return fmt.Errorf("--set %s: a run has no key %q%s", text, parts[0], hint(parts[0], runKeys))
		}
		for i, part := range parts[:len(parts)-1] {
			if into[part] == nil {
				into[part] = map[string]any{}
			}
			next, ok := into[part].(map[string]any)
			if !ok {
				return fmt.Errorf("--set %s: %s is no mapping", text, strings.Join(parts[:i+1], "."))
			}
			into = next
		}
		into[parts[len(parts)-1]] = v
	}
	return nil
}

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

var (
	variable = regexp.MustCompile(`\$\$?\{([A-Za-z_][A-Za-z0-9_]*)(:-[^}]*)?\}`)
	secret   = regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|credential)s?$`)
)

// expand puts the values of ${NAME} and ${NAME:-value} into texts; $${NAME} is ${NAME} itself. Suites have a meaning of their own for $.
func (p *page) expand(key string, value any) (any, error) {
	var bad error
	switch v := value.(type) {
	case string:
		if secret.MatchString(key) && variable.MatchString(v) {
			return nil, fmt.Errorf("%s: %s: secrets do not travel with a run: say %s_env and the variable's name, which the ingestor reads", p.line(v), key, key)
		}
		return variable.ReplaceAllStringFunc(v, func(m string) string {
			out, err := p.lookup(m)
			if err != nil && bad == nil {
				bad = fmt.Errorf("%s: %s: %w", p.line(m), key, err)
			}
			return out
		}), bad
	case map[string]any:
		for k, x := range v {
			if k == "suite" {
				if _, named := x.(string); !named {
					continue
				}
			}
			if v[k], bad = p.expand(k, x); bad != nil {
				return nil, bad
			}
		}
	case []any:
		for i, x := range v {
			if v[i], bad = p.expand(key, x); bad != nil {
				return nil, bad
			}
		}
	}
	return value, bad
}

func (p *page) lookup(m string) (string, error) {
	if strings.HasPrefix(m, "$$") {
		return m[1:], nil
	}
	parts := variable.FindStringSubmatch(m)
	if v, ok := p.o.Getenv(parts[1]); ok {
		return v, nil
	}
	if parts[2] != "" {
		return parts[2][2:], nil
	}
	return "", fmt.Errorf("the environment has no %s; set it, or write ${%s:-value}", parts[1], parts[1])
}

// line is where a text stands in the file, as well as can be told.
func (p *page) line(text string) string {
	before, _, found := bytes.Cut(p.text, []byte(text))
	if !found {
		return p.name
	}
	return fmt.Sprintf("%s:%d", p.name, 1+bytes.Count(before, []byte("\n")))
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

// paths makes those of a source absolute.
func (p *page) paths(where string, source any) error {
	m := mapOf(source)
	if kind, _ := m["type"].(string); !slices.Contains(p.o.Files, kind) {
		return nil
	}
	fix := func(key string, v any) any {
		text, ok := v.(string)
		if !ok || text == "" || strings.Contains(text, "://") || filepath.IsAbs(text) {
			return v
		}
		to := p.absolute(text)
		p.notes = append(p.notes, fmt.Sprintf("%s.%s: %s is %s, which the ingestor reads", where, key, text, to))
		return to
	}
	if v, ok := m["path"]; ok {
		m["path"] = fix("path", v)
	}
	if list, ok := m["paths"].([]any); ok {
		for i, v := range list {
			list[i] = fix("paths", v)
		}
	}
	return nil
}

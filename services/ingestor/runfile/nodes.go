package runfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

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

// line is where a text stands in the file, as well as can be told.
func (p *page) line(text string) string {
	before, _, found := bytes.Cut(p.text, []byte(text))
	if !found {
		return p.name
	}
	return fmt.Sprintf("%s:%d", p.name, 1+bytes.Count(before, []byte("\n")))
}

package conf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds the YAML file; a configuration is far below it, a file given by mistake often is not.
const maxFile = 4 << 20

// readFile finds, parses and applies the YAML file; its error is a file that cannot be read at all.
func (l *loader) readFile(path string) error {
	if env, ok := l.lookup(ConfigEnv); path == "" && ok {
		path = env
	}
	if path == "" {
		return nil
	}
	l.File = path
	text, err := readFile(path)
	if err != nil {
		return err
	}
	if len(text) > maxFile {
		return fmt.Errorf("read configuration: %s has %d bytes, more than the %d that a configuration may have", path, len(text), maxFile)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		l.refuseSyntax(err)
		return nil
	}
	l.readDocuments(file)
	return nil
}

func (l *loader) refuseSyntax(err error) {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
		pos := at.GetToken().Position
		l.refuse("%s:%d:%d: %s", l.File, pos.Line, pos.Column, at.GetMessage())
		return
	}
	l.refuse("%s: %v", l.File, err)
}

func (l *loader) readDocuments(file *ast.File) {
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.NullType {
			continue
		}
		if root != nil {
			l.refuse("%s: a configuration is one YAML document, here is a second one", l.at(doc.Body))
			return
		}
		root = doc.Body
	}
	if root == nil {
		return
	}
	l.readSection(root, l.fields, "", l.Elsewhere)
	for _, apply := range l.later {
		apply()
	}
}

// at is "file:line" of a node.
func (l *loader) at(n ast.Node) string { return fmt.Sprintf("%s:%d", l.File, line(n)) }

func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// readSection applies a mapping to fields; keys in pass are left to other programs.
func (l *loader) readSection(n ast.Node, fields []*field, path string, pass []string) {
	pairs, ok := l.pairs(n, path)
	if !ok {
		return
	}
	for _, p := range pairs {
		i := slices.IndexFunc(fields, func(f *field) bool { return f.key == p.key })
		switch {
		case i >= 0 && fields[i].section:
			l.readSection(p.node, fields[i].fields, fields[i].path, nil)
		case i >= 0:
			l.readSetting(p.node, fields[i])
		case !slices.Contains(pass, p.key) && !l.repeats(p, path):
			l.refuseKey(p, path, fields)
		}
	}
}

// repeats handles a key of a program's section that repeats one of the top level, such as router.host.
func (l *loader) repeats(p pair, path string) bool {
	if !slices.Contains(l.Repeat, p.key) || path != l.Overlay && !slices.Contains(l.Programs, path) || path == "" {
		return false
	}
	i := slices.IndexFunc(l.fields, func(f *field) bool { return f.key == p.key && f.section })
	if i >= 0 && path == l.Overlay {
		l.later = append(l.later, func() { l.readSection(p.node, l.fields[i].fields, p.key, nil) })
	}
	return i >= 0
}

func (l *loader) refuseKey(p pair, path string, fields []*field) {
	known := make([]string, 0, len(fields))
	for _, f := range fields {
		known = append(known, f.path)
	}
	key := join(path, p.key)
	if nearest(key, known) == "" { // perhaps it is right and only stands in the wrong section
		var all []string
		leaves(l.fields, func(f *field) { all = append(all, f.path) })
		if near := nearest(key, all); near != "" {
			known = []string{near}
		}
	}
	l.refuse("%s: unknown key %s%s", l.at(p.keyNode), key, hint(key, known, "all keys are listed"))
}

func (l *loader) readSetting(n ast.Node, f *field) {
	from := Origin{Layer: File, Name: l.File, Line: line(n)}
	if word, ok := scalar(n); ok && isScalar(f.value.Type()) {
		if err := l.set(f, word, from); err != nil {
			l.refuse("%s: %s: %v", l.at(n), f.path, err)
		}
		return
	}
	l.origins[f.path] = from
	if f.base.IsValid() {
		l.last = append(l.last, func() { l.decodeHeirs(n, f) })
		return
	}
	l.decode(n, f.value, f.path, f.secret)
}

// pair is one entry of a mapping.
type pair struct {
	key     string
	keyNode ast.Node
	node    ast.Node
}

// pairs lists a mapping's entries; an empty section is one whose keys are all commented out, and is fine.
func (l *loader) pairs(n ast.Node, path string) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case *ast.NullNode:
		return nil, true
	default:
		l.refuse("%s: %s must be a section of keys, not %s", l.at(n), named(path), kind(n))
		return nil, false
	}
	out := make([]pair, 0, len(values))
	for _, v := range values {
		key, ok := scalar(v.Key)
		if !ok || v.Key.IsMergeKey() {
			l.refuse("%s: %s: a key must be a plain word; merge keys, anchors and tags are not read", l.at(v.Key), named(path))
			return nil, false
		}
		out = append(out, pair{key, v.Key, v.Value})
	}
	return out, true
}

// scalar is the text of a one-word node.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a section"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing (leave the key out to keep the default)"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or alias (not read: write the value out)"
	case *ast.TagNode:
		return "a tagged value (tags are not read)"
	}
	return "a single value"
}

func named(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

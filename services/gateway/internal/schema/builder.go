package schema

import (
	"fmt"
	"strings"
)

// Builder makes one grammar, of any number of schemas. Make it with New.
type Builder struct {
	rules map[string]*Part
	order []string
	named int
	parts int // schemas looked at
}

// New makes an empty builder.
func New() *Builder { return &Builder{rules: map[string]*Part{}} }

// Error says what of a schema is not supported, or is no schema, and where. Its text follows "Invalid schema for …: ".
type Error struct {
	Path    []string // the keys from the root to the schema
	Keyword string   // at fault, where it is one
	Message string
}

func (e *Error) Error() string {
	if e.Path == nil && e.Keyword == "" {
		return e.Message
	}
	return "In context=" + e.Context() + ", " + e.Message
}

// Context is the path as OpenAI writes it: ('properties', 'a').
func (e *Error) Context() string {
	quoted := make([]string, len(e.Path))
	for i, p := range e.Path {
		quoted[i] = "'" + clip(p) + "'"
	}
	list := strings.Join(quoted, ", ")
	if len(quoted) == 1 {
		list += ","
	}
	return "(" + list + ")"
}

func clip(s string) string {
	if len(s) <= 60 {
		return s
	}
	return strings.ToValidUTF8(s[:60], "") + "…"
}

// add makes a rule and returns what refers to it.
func (b *Builder) add(p *Part) *Part {
	b.named++
	return b.define(fmt.Sprintf("r%d", b.named), p)
}

func (b *Builder) define(name string, p *Part) *Part {
	if _, ok := b.rules[name]; !ok {
		b.order = append(b.order, name)
	}
	b.rules[name] = p
	return rule(name)
}

// once makes a named rule the first time that it is asked for. Rules may refer to themselves.
func (b *Builder) once(name string, make func() *Part) *Part {
	if _, ok := b.rules[name]; !ok {
		b.define(name, nothing())
		b.define(name, make())
	}
	return rule(name)
}

// The rules that every JSON value is made of.

func space() *Part { return class(`" "?`) }

func comma() *Part { return Seq(Text(","), space()) }

// char is one character of a string: as it is, or escaped. Halves of surrogate pairs are left out.
func (b *Builder) char() *Part {
	return b.once("char", func() *Part {
		return class(`[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-Ce-fE-F] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))`)
	})
}

func (b *Builder) text() *Part {
	return b.once("string", func() *Part { return Seq(Text(`"`), Repeat(b.char(), 0, -1), Text(`"`)) })
}

func boolean() *Part { return Alt(Text("true"), Text("false")) }

// Value matches any JSON value.
func (b *Builder) Value() *Part {
	return b.once("value", func() *Part {
		return Alt(b.Object(), b.array(), b.text(), b.number(), Text("true"), Text("false"), Text("null"))
	})
}

// Object matches any JSON object.
func (b *Builder) Object() *Part {
	return b.once("object", func() *Part {
		member := b.member()
		return Seq(Text("{"), maybe(Seq(member, Repeat(Seq(comma(), member), 0, -1))), Text("}"))
	})
}

func (b *Builder) member() *Part {
	return b.once("member", func() *Part { return Seq(b.text(), Text(":"), space(), b.Value()) })
}

func (b *Builder) array() *Part {
	return b.once("array", func() *Part {
		return Seq(Text("["), maybe(Seq(b.Value(), Repeat(Seq(comma(), b.Value()), 0, -1))), Text("]"))
	})
}

func (b *Builder) number() *Part {
	return b.once("number", func() *Part {
		return class(`"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?`)
	})
}

func (b *Builder) integer() *Part {
	return b.once("integer", func() *Part { return class(`"0" | "-"? [1-9] [0-9]{0,14}`) })
}

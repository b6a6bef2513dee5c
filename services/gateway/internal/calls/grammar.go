package calls

import (
	"errors"
	"fmt"

	"github.com/leathq/leat/services/gateway/internal/openai"
	"github.com/leathq/leat/services/gateway/internal/schema"
)

// Rule is what an answer must match.
type Rule struct {
	Grammar string // GBNF; empty: the answer is free
	Trigger string // the grammar holds from this text on; empty: from the beginning
}

// Grammar makes the rule that wishes ask for, with calls in a format. Its error is an [*openai.Error] that names the schema
// and what of it is not supported.
func Grammar(f *Format, w *openai.Wishes) (Rule, error) {
	b := schema.New()
	var called, formed *schema.Part
	var err error
	if len(w.Tools) > 0 && w.Choice.Mode != openai.ToolNone {
		if called, err = f.part(b, w); err != nil {
			return Rule{}, err
		}
	}
	must := w.Choice.Mode == openai.ToolRequired || w.Choice.Mode == openai.ToolNamed
	if w.Format.Type != "" && !must {
		if formed, err = answer(b, &w.Format); err != nil {
			return Rule{}, err
		}
	}
	r := Rule{}
	root := called
	switch {
	case called == nil && formed == nil:
		return r, nil
	case called == nil:
		root = formed
	case formed != nil:
		root = schema.Alt(formed, called)
	case !must:
		r.Trigger = f.Mark
	}
	r.Grammar, err = b.Build(root)
	if err != nil {
		return Rule{}, refusal(err, where(w))
	}
	return r, nil
}

// where names what a grammar as a whole was made of.
func where(w *openai.Wishes) place {
	if w.Format.Type != "" {
		return place{param: "response_format", what: "response_format '" + w.Format.Name + "'", code: codeSchema}
	}
	return place{param: "tools", what: "the functions together", code: codeParameters}
}

// part matches calls of the tools: of the one that was named, or of all.
func (f *Format) part(b *schema.Builder, w *openai.Wishes) (*schema.Part, error) {
	var each []*schema.Part
	for i := range w.Tools {
		t := &w.Tools[i]
		arguments, err := parameters(b, t)
		if err != nil {
			return nil, refusal(err, place{
				param: fmt.Sprintf("tools[%d].function.parameters", i), what: "function '" + t.Name + "'", code: codeParameters})
		}
		if w.Choice.Mode != openai.ToolNamed || w.Choice.Name == t.Name {
			each = append(each, schema.Seq(schema.Text(t.Name+f.Mid), arguments))
		}
	}
	one := schema.Seq(schema.Text(f.Pre), schema.Alt(each...), schema.Text(f.Post))
	if !f.Single && !w.OneCall && w.Choice.Mode != openai.ToolNamed {
		one = schema.Seq(one, schema.Repeat(schema.Seq(schema.Text(f.Sep), one), 0, mostCalls-1))
	}
	return schema.Seq(schema.Text(f.Begin), one, schema.Text(f.End)), nil
}

// mostCalls bounds the calls of one answer, so that a model that repeats itself comes to an end.
const mostCalls = 32

// parameters matches the arguments of a tool. One without a schema takes none.
func parameters(b *schema.Builder, t *openai.Tool) (*schema.Part, error) {
	if t.Parameters == nil {
		return schema.Text("{}"), nil
	}
	p, err := b.Schema(t.Parameters, t.Strict)
	if err == nil && !schema.Objects(t.Parameters) {
		err = &schema.Error{Message: "schema must be a JSON Schema of 'type: \"object\"'."}
	}
	return p, err
}

// answer matches a text of a format.
func answer(b *schema.Builder, f *openai.Format) (*schema.Part, error) {
	if f.Type == openai.FormatObject {
		return b.Object(), nil
	}
	p, err := b.Schema(f.Schema, f.Strict)
	if err != nil {
		return nil, refusal(err, place{param: "response_format", what: "response_format '" + f.Name + "'", code: codeSchema})
	}
	return p, nil
}

// The codes that OpenAI gives for schemas.
const (
	codeSchema     = "invalid_json_schema"
	codeParameters = "invalid_function_parameters"
)

type place struct{ param, what, code string }

// refusal is a schema's fault in OpenAI's words.
func refusal(err error, p place) error {
	var e *schema.Error
	if !errors.As(err, &e) {
		return err
	}
	return &openai.Error{
		Status: 400, Type: openai.TypeInvalidRequest, Param: p.param, Code: p.code,
		Message: "Invalid schema for " + p.what + ": " + e.Error(),
	}
}

package responses

import "github.com/leathq/leat/services/gateway/internal/openai"

func (d *decoder) tools() { d.r.Tools = d.c.Tools(d.l, d.tool) }

func (d *decoder) tool() (t openai.Tool, at string) {
	c := d.c
	typ := false
	c.Object(func(name string) {
		switch name {
		case "type":
			typ = true
			d.function()
		case "name":
			t.Name = c.Identifier()
		case "description":
			if !c.Null() {
				t.Description = c.Text()
			}
		case "parameters":
			if !c.Null() {
				t.Parameters = c.Opaque(d.l)
			}
		case "strict":
			t.Strict = !c.Null() && c.Bool()
		case "defer_loading":
			c.Unserved("Leave it out or set it to false.", `false`)
		default:
			c.Unknown()
		}
	})
	at = c.Path()
	switch {
	case c.Failed():
	case !typ:
		c.Fail(openai.Missing(at + ".type"))
	case t.Name == "":
		c.Fail(openai.Missing(at + ".name"))
	}
	return t, at + ".name"
}

// function reads the type of a tool: those that OpenAI's servers run have others.
func (d *decoder) function() {
	c := d.c
	if t := c.Text(); !c.Failed() && t != "function" {
		c.Fail(openai.Invalid(c.Path(), openai.CodeUnsupportedValue,
			"Unsupported value: '%s' is '%.100s', and this server serves only tools of the type 'function', which the client runs.", c.Path(), t))
	}
}

func (d *decoder) choice() {
	c, r := d.c, d.r
	if !c.Is('{') {
		if c.Expect('"', "one of 'none', 'auto' and 'required', or an object that names a function") {
			r.Choice.Mode = c.OneOf(openai.ToolNone, openai.ToolAuto, openai.ToolRequired)
		}
		return
	}
	typ := false
	c.Object(func(name string) {
		switch name {
		case "type":
			typ = true
			d.function()
		case "name":
			r.Choice = openai.ToolChoice{Mode: openai.ToolNamed, Name: c.Identifier()}
		default:
			c.Unknown()
		}
	})
	switch {
	case c.Failed():
	case !typ:
		c.Fail(openai.Missing("tool_choice.type"))
	case r.Choice.Name == "":
		c.Fail(openai.Missing("tool_choice.name"))
	}
}

// text reads what the answer's text must be like.
func (d *decoder) text() {
	c := d.c
	c.Object(func(name string) {
		switch name {
		case "format":
			if !c.Null() {
				d.format()
			}
		case "verbosity":
			c.Unserved("Leave it out or set it to \"medium\".", `"medium"`)
		default:
			c.Unknown()
		}
	})
}

func (d *decoder) format() {
	c := d.c
	var f openai.Format
	at := c.Path()
	c.Object(func(name string) {
		switch name {
		case "type":
			f.Type = c.OneOf("text", openai.FormatObject, openai.FormatSchema)
		case "name":
			f.Name = c.Identifier()
		case "description":
			if !c.Null() {
				f.Description = c.Text()
			}
		case "schema":
			f.Schema = c.Opaque(d.l)
		case "strict":
			f.Strict = !c.Null() && c.Bool()
		default:
			c.Unknown()
		}
	})
	schema := f.Type == openai.FormatSchema
	switch {
	case c.Failed():
	case f.Type == "":
		c.Fail(openai.Missing(at + ".type"))
	case schema && f.Name == "":
		c.Fail(openai.Missing(at + ".name"))
	case schema && f.Schema == nil:
		c.Fail(openai.Missing(at + ".schema"))
	case !schema && (f.Schema != nil || f.Name != "" || f.Description != "" || f.Strict):
		c.Fail(openai.Invalid(at, openai.CodeInvalidValue, "Invalid '%s': a name and a schema go with the type 'json_schema', and the type is '%s'.", at, f.Type))
	case f.Type != "text":
		d.r.Format = f
	}
}

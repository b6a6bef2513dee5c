package anthropic

import "github.com/leathq/leat/services/gateway/internal/openai"

func (d *decoder) tools() { d.r.Tools = d.c.Tools(d.l, d.tool) }

func (d *decoder) tool() (t openai.Tool, at string) {
	c := d.c
	c.Object(func(name string) {
		switch name {
		case "type":
			d.custom()
		case "name":
			t.Name = c.Identifier()
		case "description":
			if !c.Null() {
				t.Description = c.Text()
			}
		case "input_schema":
			t.Parameters = c.Opaque(d.l)
		case "strict":
			t.Strict = !c.Null() && c.Bool()
		case "cache_control":
			if !c.Null() {
				t.Mark = d.cache()
			}
		case "eager_input_streaming", "defer_loading":
			c.Unserved("Leave it out or set it to false.", `false`)
		case "allowed_callers", "input_examples":
			c.Unserved("Leave it out.", `[]`, `["direct"]`)
		default:
			c.Unknown()
		}
	})
	at = c.Path()
	switch {
	case c.Failed():
	case t.Name == "":
		c.Fail(openai.Missing(at + ".name"))
	case t.Parameters == nil:
		c.Fail(openai.Missing(at + ".input_schema"))
	}
	return t, at + ".name"
}

// custom reads the type of a tool: those that Anthropic's servers run have others.
func (d *decoder) custom() {
	c := d.c
	if c.Null() {
		return
	}
	if t := c.Text(); !c.Failed() && t != "custom" {
		c.Fail(openai.Invalid(c.Path(), openai.CodeUnsupportedValue,
			"Unsupported value: '%s' is '%.100s', and this server serves only tools of the type 'custom', which the client runs.", c.Path(), t))
	}
}

func (d *decoder) choice() {
	c, r := d.c, d.r
	typ := ""
	c.Object(func(name string) {
		switch name {
		case "type":
			typ = c.OneOf("auto", "any", "tool", "none")
		case "name":
			if !c.Null() {
				r.Choice.Name = c.Identifier()
			}
		case "disable_parallel_tool_use":
			r.OneCall = !c.Null() && c.Bool()
		default:
			c.Unknown()
		}
	})
	switch {
	case c.Failed():
	case typ == "":
		c.Fail(openai.Missing("tool_choice.type"))
	case typ == "tool" && r.Choice.Name == "":
		c.Fail(openai.Missing("tool_choice.name"))
	case typ != "tool" && r.Choice.Name != "":
		c.Fail(openai.Invalid("tool_choice.name", openai.CodeInvalidValue, "Invalid 'tool_choice.name': it goes with the type 'tool', and the type is '%s'.", typ))
	default:
		r.Choice.Mode = map[string]string{"auto": openai.ToolAuto, "any": openai.ToolRequired, "tool": openai.ToolNamed, "none": openai.ToolNone}[typ]
	}
}

// chooses holds the choice to the tools.
func (d *decoder) chooses() *openai.Error {
	choice := d.r.Choice
	if choice.Mode != openai.ToolRequired && choice.Mode != openai.ToolNamed {
		return nil
	}
	if len(d.r.Tools) == 0 {
		return openai.Invalid("tool_choice", openai.CodeInvalidValue, "Invalid 'tool_choice': it asks for a call of a tool, and there are no 'tools'.")
	}
	for i := range d.r.Tools {
		if choice.Mode == openai.ToolRequired || d.r.Tools[i].Name == choice.Name {
			return nil
		}
	}
	return openai.Invalid("tool_choice.name", openai.CodeInvalidValue, "Invalid 'tool_choice.name': there is no tool '%s' in 'tools'.", choice.Name)
}

// thinking is what few engines can: whether one is asked to is theirs to say.
func (d *decoder) thinking() {
	c := d.c
	raw := c.Opaque(d.l)
	if c.Failed() {
		return
	}
	_, err := openai.Decode(raw, d.l, func(c *openai.Cursor, name string) {
		switch name {
		case "type":
			if t := c.OneOf("enabled", "disabled", "adaptive"); t == "disabled" {
				raw = nil
			}
		case "budget_tokens":
			if !c.Null() {
				c.Whole(1024, 1<<31-1)
			}
		case "display":
			if !c.Null() {
				c.OneOf("summarized", "omitted", "full")
			}
		default:
			c.Unknown()
		}
	})
	if err != nil {
		c.Fail(below("thinking", err))
		return
	}
	d.r.Thinking = raw
}

// output reads output_config: the form of the answer.
func (d *decoder) output() {
	c := d.c
	c.Object(func(name string) {
		switch name {
		case "format":
			if !c.Null() {
				d.format()
			}
		case "effort", "task_budget":
			c.Unserved("Leave it out.")
		default:
			c.Unknown()
		}
	})
}

func (d *decoder) format() {
	c, f := d.c, &d.r.Format
	at := c.Path()
	c.Object(func(name string) {
		switch name {
		case "type":
			f.Type = c.OneOf(openai.FormatSchema)
		case "schema":
			f.Schema = c.Opaque(d.l)
		default:
			c.Unknown()
		}
	})
	f.Name, f.Strict = "answer", true
	switch {
	case c.Failed():
	case f.Type == "":
		c.Fail(openai.Missing(at + ".type"))
	case f.Schema == nil:
		c.Fail(openai.Missing(at + ".schema"))
	}
}

// cache reads a cache_control, for engines of this API. Others keep prefixes by themselves, and it asks nothing of them.
func (d *decoder) cache() string {
	c := d.c
	typ, ttl := "", ""
	c.Object(func(name string) {
		switch name {
		case "type":
			typ = c.OneOf("ephemeral")
		case "ttl":
			if !c.Null() {
				ttl = c.OneOf("5m", "1h")
			}
		default:
			c.Unknown()
		}
	})
	if !c.Failed() && typ == "" {
		c.Fail(openai.Missing(c.Path() + ".type"))
	}
	if ttl == "" {
		return `{"type":"ephemeral"}`
	}
	return `{"type":"ephemeral","ttl":"` + ttl + `"}`
}

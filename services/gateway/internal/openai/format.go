package openai

// format reads response_format.
func (w *Wishes) format(c *cursor, l Limits) {
	if c.null() {
		return
	}
	var f Format
	var typ, schema bool
	c.object(func(name string) {
		switch name {
		case "type":
			typ = true
			f.Type = c.text()
			if c.err == nil && f.Type != "text" && f.Type != FormatObject && f.Type != FormatSchema {
				c.fail(invalid(c.path(), CodeInvalidValue,
					"Invalid value: '%s'. Supported values are: 'json_object', 'json_schema', and 'text'.", clip(f.Type)))
			}
		case "json_schema":
			if schema = !c.null(); schema {
				f.schema(c, l)
			}
		default:
			unknown(c)
		}
	})
	switch {
	case c.err != nil:
		return
	case !typ:
		c.fail(missing("response_format.type"))
	case f.Type == FormatSchema && !schema:
		c.fail(missing("response_format.json_schema"))
	case f.Type != FormatSchema && schema:
		c.fail(invalid("response_format.json_schema", CodeInvalidValue,
			"Invalid 'response_format.json_schema': it is only allowed with the type 'json_schema', and the type is '%s'.", f.Type))
	case f.Type == "text":
		return
	}
	w.Format = f
}

func (f *Format) schema(c *cursor, l Limits) {
	c.object(func(name string) {
		switch name {
		case "name":
			f.Name = identifier(c)
		case "description":
			if !c.null() {
				f.Description = c.text()
			}
		case "schema":
			if !c.null() {
				f.Schema = c.schema(l)
			}
		case "strict":
			f.Strict = !c.null() && c.bool()
		default:
			unknown(c)
		}
	})
	switch {
	case c.err != nil:
	case f.Name == "":
		c.fail(missing("response_format.json_schema.name"))
	case f.Schema == nil:
		c.fail(missing("response_format.json_schema.schema"))
	}
}

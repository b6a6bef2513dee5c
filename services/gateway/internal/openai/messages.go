package openai

// Message is one turn of a chat.
type Message struct {
	Role       string // system, developer, user, assistant or tool
	Content    string // text; the text parts of an array of parts, joined by a newline
	Name       string // the participant, where given
	Parts      []Part // the parts where there is one that is no text; nil otherwise
	ToolCalls  []ToolCall
	ToolCallID string // of the call that a tool's message answers
	Reasoning  string // what came before an assistant's answer, for engines that take messages; decoders of chats leave it in the raw messages
	Signature  string // of the reasoning, for engines that want it back

	// What only engines of Anthropic's API take: see AppendRich.
	More   []Thought // reasoning after what Reasoning and Signature hold
	Marked []Part    // the content as parts, where one of them is marked
	Mark   string    // of a tool's message: its mark
}

// Thought is one block of reasoning.
type Thought struct {
	Text, Signature string
}

// Redacted begins the signature of reasoning that its provider shows nobody: what comes after is the provider's own.
const Redacted = "redacted_thinking:"

// Think adds a block of reasoning. A signature is that of one block, so blocks stay apart where there is one.
func (m *Message) Think(text, signature string) {
	switch {
	case len(m.More) == 0 && m.Signature == "" && (signature == "" || m.Reasoning == ""):
		m.Reasoning, m.Signature = m.Reasoning+text, signature
	default:
		m.More = append(m.More, Thought{text, signature})
	}
}

// messages reads the array and returns it with its bytes in the body.
func messages(c *cursor, l Limits) (list []Message, raw []byte) {
	if !c.expect('[', "an array of messages") {
		return nil, nil
	}
	start := c.next()
	var calls map[string]bool // those that may be answered
	c.array(func(i int) {
		if i == l.Messages {
			c.fail(invalid("messages", CodeArrayTooLong, "Invalid 'messages': array too long. Expected at most %d messages.", l.Messages))
			return
		}
		m := message(c, l)
		calls = answered(c, indexed("messages", i), &m, calls)
		list = append(list, m)
	})
	if c.err == nil && len(list) == 0 {
		c.fail(invalid("messages", CodeEmptyArray,
			"Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."))
	}
	return list, c.body[start:c.dec.InputOffset()]
}

// answered holds a tool's message to the calls of the assistant's message before it, and returns what may be answered next.
func answered(c *cursor, at string, m *Message, calls map[string]bool) map[string]bool {
	switch {
	case c.err != nil:
	case m.Role != "tool":
		if len(m.ToolCalls) == 0 {
			return nil
		}
		calls = make(map[string]bool, len(m.ToolCalls))
		for _, t := range m.ToolCalls {
			calls[t.ID] = true
		}
	case calls == nil:
		c.fail(invalid(at+".role", CodeInvalidValue,
			"Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'."))
	case !calls[m.ToolCallID]:
		c.fail(invalid(at+".tool_call_id", CodeInvalidValue,
			"Invalid parameter: 'tool_call_id' of '%s' not found in 'tool_calls' of the previous message.", clip(m.ToolCallID)))
	}
	return calls
}

func message(c *cursor, l Limits) (m Message) {
	var role, content bool
	c.object(func(name string) {
		switch name {
		case "role":
			m.Role, role = roleOf(c), true
		case "content":
			if content = !c.null(); content {
				m.Content, m.Parts = contentOf(c, l)
			}
		case "name":
			if !c.null() {
				m.Name = c.text()
			}
		case "tool_calls":
			if !c.null() {
				m.ToolCalls = toolCalls(c, l)
			}
		case "tool_call_id":
			if !c.null() {
				m.ToolCallID = c.text()
			}
		default:
			messageExtra(c, name)
		}
	})
	switch {
	case c.err != nil:
	case !role:
		c.fail(missing(c.path() + ".role"))
	case !content && len(m.ToolCalls) == 0:
		c.fail(missing(c.path() + ".content"))
	default:
		m.fits(c)
	}
	return m
}

// fits refuses what a message of its role cannot have.
func (m *Message) fits(c *cursor) {
	at := c.path()
	switch {
	case m.Parts != nil && m.Role != "user":
		c.fail(invalid(at, CodeInvalidValue,
			"Invalid '%s'. Image URLs are only allowed for messages with role 'user', but this message with role '%s' contains an image URL.", at, m.Role))
	case m.ToolCalls != nil && m.Role != "assistant":
		c.fail(invalid(at+".tool_calls", CodeInvalidValue,
			"Invalid '%s.tool_calls': only messages with role 'assistant' have tool calls, and this one has the role '%s'.", at, m.Role))
	case m.Role == "tool" && m.ToolCallID == "":
		c.fail(missing(at + ".tool_call_id"))
	case m.Role != "tool" && m.ToolCallID != "":
		c.fail(invalid(at+".tool_call_id", CodeInvalidValue,
			"Invalid '%s.tool_call_id': only messages with role 'tool' answer a call, and this one has the role '%s'.", at, m.Role))
	}
}

// messageExtra lets through what an SDK's answer object carries when it is sent back as history, while it is empty.
// Reasoning, which answers have, may be there: engines that take messages get it, and no chat template sees it.
func messageExtra(c *cursor, name string) {
	switch name {
	case "reasoning_content", "reasoning":
		if !c.null() {
			_ = c.text()
		}
	case "refusal", "audio", "function_call", "annotations":
		if !c.null() && !c.oneOf([]string{`[]`}) {
			c.fail(unsupportedParameter(c.path(), "Leave it out."))
		}
	default:
		unknown(c)
	}
}

func roleOf(c *cursor) string {
	role := c.text()
	switch role {
	case "system", "developer", "user", "assistant", "tool":
	case "function":
		c.fail(invalid(c.path(), CodeUnsupportedValue,
			"Unsupported value: '%s' does not support 'function', which is deprecated. Send a message with role 'tool' and its 'tool_call_id'.", c.path()))
	default:
		c.fail(invalid(c.path(), CodeInvalidValue,
			"Invalid value: '%s'. Supported values are: 'system', 'developer', 'user', 'assistant' and 'tool'.", clip(role)))
	}
	return role
}

// toolCalls reads the calls that an assistant's message has made.
func toolCalls(c *cursor, l Limits) (list []ToolCall) {
	c.array(func(i int) {
		if i == l.Tools {
			c.fail(invalid(c.path(), CodeArrayTooLong, "Invalid 'messages': a message has more than %d tool calls.", l.Tools))
			return
		}
		call := ToolCall{Index: i}
		var typ, name, arguments bool
		c.object(func(field string) {
			switch field {
			case "id":
				call.ID = c.text()
			case "type":
				typ = true
				functionType(c)
			case "function":
				call.Name, call.Arguments, name, arguments = calledFunction(c)
			default:
				unknown(c)
			}
		})
		switch {
		case c.err != nil:
		case call.ID == "":
			c.fail(missing(c.path() + ".id"))
		case !typ:
			c.fail(missing(c.path() + ".type"))
		case !name:
			c.fail(missing(c.path() + ".function.name"))
		case !arguments:
			c.fail(missing(c.path() + ".function.arguments"))
		}
		list = append(list, call)
	})
	return list
}

func calledFunction(c *cursor) (name, arguments string, named, given bool) {
	c.object(func(field string) {
		switch field {
		case "name":
			name, named = c.text(), true
		case "arguments":
			arguments, given = c.text(), true
		default:
			unknown(c)
		}
	})
	return name, arguments, named, given
}

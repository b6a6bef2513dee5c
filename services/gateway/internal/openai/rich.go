package openai

// AppendRich is AppendMessages with what only engines of Anthropic's API take: marks of what is to be cached
// ("cache_control"), and reasoning in more than one block ("reasoning_more"). It appends nothing where there is nothing
// of it.
func AppendRich(b []byte, messages []Message) []byte {
	for i := range messages {
		if m := &messages[i]; m.Marked != nil || m.Mark != "" || m.More != nil {
			return appendMessages(b, messages, true)
		}
	}
	return b
}

// AppendRichExtras is AppendExtras with the marks of tools and of the whole request.
func AppendRichExtras(b []byte, w *Wishes) []byte {
	if w.Mark == "" {
		return appendExtras(b, w, true)
	}
	start := len(b)
	if b = appendExtras(b, w, true); len(b) == start {
		b = append(b, '{')
	} else {
		b[len(b)-1] = ','
	}
	return append(append(append(b, `"cache_control":`...), w.Mark...), '}')
}

func appendMark(b []byte, mark string) []byte {
	if mark == "" {
		return b
	}
	return append(append(b, `,"cache_control":`...), mark...)
}

func appendMore(b []byte, more []Thought) []byte {
	if len(more) == 0 {
		return b
	}
	b = append(b, `,"reasoning_more":[`...)
	for i := range more {
		b = appendString(append(comma(b, i), `{"reasoning_content":`...), more[i].Text)
		b = append(appendString(append(b, `,"reasoning_signature":`...), more[i].Signature), '}')
	}
	return append(b, ']')
}

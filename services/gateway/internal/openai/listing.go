package openai

// Model is one entry of /v1/models.
type Model struct {
	ID          string
	Created     int64 // Unix seconds
	OwnedBy     string
	MaxModelLen int // tokens of context, as vLLM tells it; left out where 0
}

// AppendModels appends the list of models.
func AppendModels(b []byte, models []Model) []byte {
	b = append(b, `{"object":"list","data":[`...)
	for i := range models {
		b = AppendModel(comma(b, i), models[i])
	}
	return append(b, "]}"...)
}

// AppendModel appends one model, the answer of /v1/models/{id}.
func AppendModel(b []byte, m Model) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, m.ID)
	b = append(b, `,"object":"model","created":`...)
	b = appendInt(b, m.Created)
	b = append(b, `,"owned_by":`...)
	b = appendString(b, m.OwnedBy)
	if m.MaxModelLen > 0 {
		b = appendInt(append(b, `,"max_model_len":`...), m.MaxModelLen)
	}
	return append(b, '}')
}

// AppendTokens appends the answer of /tokenize; maxModelLen is left out where 0.
func AppendTokens(b []byte, tokens []int32, maxModelLen int) []byte {
	b = appendInt(append(b, `{"count":`...), len(tokens))
	if maxModelLen > 0 {
		b = appendInt(append(b, `,"max_model_len":`...), maxModelLen)
	}
	b = append(b, `,"tokens":[`...)
	for i, id := range tokens {
		b = appendInt(comma(b, i), id)
	}
	return append(b, "]}"...)
}

// AppendText appends the answer of /detokenize.
func AppendText(b []byte, text string) []byte {
	return append(appendString(append(b, `{"prompt":`...), text), '}')
}

// TokenizerInfo is the answer of /tokenizer_info; what is empty is null.
type TokenizerInfo struct {
	Model, BOS, EOS, PAD, ChatTemplate string
}

// AppendTokenizerInfo appends what lm-evaluation-harness and vLLM's clients ask about a tokeniser.
func AppendTokenizerInfo(b []byte, t TokenizerInfo) []byte {
	b = append(b, '{')
	for i, f := range [...]struct{ name, value string }{
		{"model", t.Model}, {"bos_token", t.BOS}, {"eos_token", t.EOS}, {"pad_token", t.PAD}, {"chat_template", t.ChatTemplate},
	} {
		b = append(appendString(comma(b, i), f.name), ':')
		b = appendStringOrNull(b, f.value)
	}
	return append(b, '}')
}

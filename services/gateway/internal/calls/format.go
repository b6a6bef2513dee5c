package calls

import "strings"

// Format is one way to spell calls:
//
//	Begin Pre NAME Mid ARGUMENTS Post Sep Pre NAME Mid ARGUMENTS Post End
//
// where the arguments are a JSON object.
type Format struct {
	Name       string
	Begin, End string // once around all calls
	Pre        string // before the name of a tool
	Mid        string // between the name and the arguments
	Post       string // behind the arguments
	Sep        string // between calls
	Mark       string // where a text begins to be a call
	Single     bool   // the model knows one call an answer
	ShortIDs   bool   // the template wants ids of nine letters and digits
}

// The formats. Hermes is also what models are told whose template knows no tools.
var (
	// Hermes is the form of Nous Hermes 2 Pro and of Qwen 2.5 and 3.
	Hermes = &Format{Name: "hermes", Pre: "<tool_call>\n{\"name\": \"", Mid: `", "arguments": `, Post: "}\n</tool_call>", Sep: "\n", Mark: "<tool_call>"}
	// Llama3 is the form of Llama 3.1, 3.2 and 3.3 for tools of one's own.
	Llama3 = &Format{Name: "llama3", Pre: `{"name": "`, Mid: `", "parameters": `, Post: "}", Mark: `{"name": "`, Single: true}
	// Mistral is the form of Mistral 7B v0.3, Nemo and their kin.
	Mistral = &Format{Name: "mistral", Begin: "[TOOL_CALLS] [", Pre: `{"name": "`, Mid: `", "arguments": `, Post: "}", Sep: ", ", End: "]", Mark: "[TOOL_CALLS]", ShortIDs: true}
	// MistralArgs is the form of Mistral's models from version 11 of their tokeniser on.
	MistralArgs = &Format{Name: "mistral-args", Pre: "[TOOL_CALLS]", Mid: "[ARGS]", Mark: "[TOOL_CALLS]", ShortIDs: true}
)

// table tells the formats by what a template that knows tools contains. The first that fits is taken.
var table = []struct {
	all    []string
	format *Format
}{
	{[]string{"<tool_call>", `"arguments"`}, Hermes},
	{[]string{"[TOOL_CALLS]", "[ARGS]"}, MistralArgs},
	{[]string{"[TOOL_CALLS]"}, Mistral},
	{[]string{"<|start_header_id|>", `"parameters": `, "ipython"}, Llama3},
}

// Of tells the format of a model's chat template. Where it is told false, the template knows no tools or spells calls in a
// form that is not in the table: the model is then told of tools in words, see [Explain].
func Of(template string) (f *Format, native bool) {
	if !strings.Contains(template, "tools") {
		return Hermes, false
	}
	for _, row := range table {
		fits := true
		for _, s := range row.all {
			fits = fits && strings.Contains(strings.ReplaceAll(template, `\"`, `"`), s)
		}
		if fits {
			return row.format, true
		}
	}
	return Hermes, false
}

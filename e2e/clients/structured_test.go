package clients_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// shapes are the schemas that the small model is held to: what people ask for, each with something to say.
var shapes = []struct{ ask, schema string }{
	{"Describe a person.", `{"type":"object","properties":{"name":{"type":"string","maxLength":40},"age":{"type":"integer","minimum":0,"maximum":120},"born":{"type":"string","format":"date"}},"required":["name","age","born"],"additionalProperties":false}`},
	{"Name three rivers of Europe.", `{"type":"object","properties":{"rivers":{"type":"array","items":{"type":"string","maxLength":30},"minItems":3,"maxItems":3}},"required":["rivers"]}`},
	{"Is the sky blue?", `{"type":"object","properties":{"answer":{"type":"boolean"},"certainty":{"type":"number","minimum":0,"maximum":1}},"required":["answer","certainty"]}`},
	{"Sort this mail: the invoice is wrong.", `{"type":"object","properties":{"class":{"enum":["billing","technical","other"]},"urgent":{"type":["boolean","null"]}},"required":["class"],"additionalProperties":false}`},
	{"Draw something.", `{"oneOf":[{"type":"object","properties":{"kind":{"const":"circle"},"radius":{"type":"number","exclusiveMinimum":0,"maximum":100}},"required":["kind","radius"]},{"type":"object","properties":{"kind":{"const":"box"},"sides":{"type":"array","items":{"type":"integer","minimum":1,"maximum":999},"minItems":2,"maxItems":3}},"required":["kind","sides"]}]}`},
	{"Write a short menu.", `{"type":"array","items":{"type":"object","properties":{"dish":{"type":"string","maxLength":24},"price":{"type":"number","minimum":0,"maximum":99},"vegan":{"type":"boolean"}},"required":["dish","price"]},"minItems":1,"maxItems":3}`},
	{"Make a tree of names.", `{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"name":{"type":"string","maxLength":12},"children":{"type":"array","items":{"$ref":"#/$defs/node"},"maxItems":2}},"required":["name","children"],"additionalProperties":false}}}`},
	{"Make up an order.", `{"type":"object","properties":{"id":{"type":"string","pattern":"^[A-Z]{2}-[0-9]{4}$"},"at":{"type":"string","format":"date-time"},"key":{"type":"string","format":"uuid"},"notes":{"type":["string","null"],"maxLength":40}},"required":["id","at","key","notes"]}`},
	{"Translate 'water'.", `{"type":"object","properties":{"en":{"const":"water"}},"required":["en"],"additionalProperties":{"type":"string","maxLength":20}}`},
	{"Say something as JSON.", ``}, // json_object
}

// callable are the tools, by the schema of their arguments.
var callable = map[string]string{
	"weather":  `{"type":"object","properties":{"city":{"type":"string","maxLength":30},"unit":{"enum":["celsius","fahrenheit"]}},"required":["city","unit"],"additionalProperties":false}`,
	"book":     `{"type":"object","properties":{"from":{"type":"string","format":"date"},"nights":{"type":"integer","minimum":1,"maximum":30},"guests":{"type":"array","items":{"type":"string","maxLength":20},"maxItems":3}},"required":["from","nights"]}`,
	"the_time": `{"type":"object","properties":{}}`,
}

// outcomes counts what became of generations.
type outcomes struct {
	sync.Mutex
	whole, cut, calls, tokens int
}

// structured holds the small model to schemas and tools: whatever was not cut by max_tokens is valid, by another
// implementation's word, and what was cut says so. LEAT_STRUCTURED="200 100" sets how many of each.
func structured(t *testing.T, url string) {
	formats, calls := 10, 5
	if s := os.Getenv("LEAT_STRUCTURED"); s != "" {
		if _, err := fmt.Sscan(s, &formats, &calls); err != nil {
			t.Fatalf("LEAT_STRUCTURED=%q: %v", s, err)
		}
	}
	var said, called outcomes
	together(formats, func(i int) { formatted(t, url, i, &said) })
	together(calls, func(i int) { tooled(t, url, i, &called) })
	t.Logf("schemas: %d whole and valid, %d cut by max_tokens, %d tokens", said.whole, said.cut, said.tokens)
	t.Logf("tools: %d whole with %d valid calls, %d cut by max_tokens, %d tokens", called.whole, called.calls, called.cut, called.tokens)
	if said.whole < formats/2 || called.whole < calls/2 {
		t.Error("too few came whole for this to say anything")
	}
}

// together runs n jobs, eight at a time.
func together(n int, job func(i int)) {
	var all sync.WaitGroup
	room := make(chan struct{}, 8)
	for i := range n {
		room <- struct{}{}
		all.Go(func() {
			job(i)
			<-room
		})
	}
	all.Wait()
}

type completion struct {
	Choices []struct {
		Message struct {
			Content   *string
			ToolCalls []struct {
				ID       string
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
		FinishReason string `json:"finish_reason"`
	}
	Usage struct {
		CompletionTokens int `json:"completion_tokens"`
	}
}

func ask(i int, words string, more map[string]any) map[string]any {
	body := map[string]any{
		"model": model, "seed": i, "temperature": 1, "max_tokens": 160,
		"messages": []map[string]string{{"role": "user", "content": words}},
	}
	for k, v := range more {
		body[k] = v
	}
	return body
}

func formatted(t *testing.T, url string, i int, sum *outcomes) {
	shape := shapes[i%len(shapes)]
	format := map[string]any{"type": "json_object"}
	if shape.schema != "" {
		format = map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "shape", "schema": json.RawMessage(shape.schema)}}
	}
	var answer completion
	post(t, url+"/v1/chat/completions", ask(i, shape.ask, map[string]any{"response_format": format}), &answer)
	choice := answer.Choices[0]
	sum.Lock()
	defer sum.Unlock()
	sum.tokens += answer.Usage.CompletionTokens
	switch choice.FinishReason {
	case "length":
		sum.cut++
	case "stop":
		sum.whole++
		schema := shape.schema
		if schema == "" {
			schema = `{"type":"object"}`
		}
		if err := valid(schema, *choice.Message.Content); err != nil {
			t.Errorf("seed %d: %s is not valid: %v", i, *choice.Message.Content, err)
		}
	default:
		t.Errorf("seed %d: it ended with %q", i, choice.FinishReason)
	}
}

func tooled(t *testing.T, url string, i int, sum *outcomes) {
	var tools []map[string]any
	for _, name := range []string{"weather", "book", "the_time"} {
		tools = append(tools, map[string]any{"type": "function", "function": map[string]any{"name": name, "parameters": json.RawMessage(callable[name])}})
	}
	more := map[string]any{"tools": tools, "parallel_tool_calls": i%2 == 0, "tool_choice": "required"}
	if i%5 == 4 {
		more["tool_choice"] = map[string]any{"type": "function", "function": map[string]string{"name": "book"}}
	}
	var answer completion
	post(t, url+"/v1/chat/completions", ask(i, "Find me a room in Rome, and tell me the weather there.", more), &answer)
	choice := answer.Choices[0]
	sum.Lock()
	defer sum.Unlock()
	sum.tokens += answer.Usage.CompletionTokens
	list := choice.Message.ToolCalls
	switch choice.FinishReason {
	case "length": // all but the last are whole
		sum.cut++
		list = list[:max(0, len(list)-1)]
	case "tool_calls":
		sum.whole++
		if len(list) == 0 || len(list) > 1 && i%2 == 1 || choice.Message.Content != nil {
			t.Errorf("seed %d: %d calls, content %v", i, len(list), choice.Message.Content)
		}
	default:
		t.Errorf("seed %d: it ended with %q", i, choice.FinishReason)
	}
	for _, c := range list {
		sum.calls++
		if err := valid(callable[c.Function.Name], c.Function.Arguments); err != nil || c.ID == "" || i%5 == 4 && c.Function.Name != "book" {
			t.Errorf("seed %d: %+v is not valid: %v", i, c, err)
		}
	}
}

// valid judges a text by another implementation of JSON Schema, formats included.
func valid(schema, text string) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("s.json", doc); err != nil {
		return err
	}
	s, err := c.Compile("s.json")
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

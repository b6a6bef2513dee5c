package gateway

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// openapi holds the document in parts: base.yaml, and a file for each family of calls. What operations share is written
// once: x-errors names a list of refusals in base.yaml, x-headers the headers that are read (id, tenant, or all).
//
//go:embed openapi/*.yaml
var openapi embed.FS

// document is the OpenAPI document as JSON, put together when it is first asked for.
var document = sync.OnceValues(assemble)

// serveDocument is GET /openapi.json.
func (g *Gateway) serveDocument(x *exchange) *reply {
	doc, err := document()
	if err != nil {
		return x.refuse(err)
	}
	return x.json(http.StatusOK, doc)
}

type object = map[string]any

func assemble() ([]byte, error) {
	doc := object{}
	names, err := fs.Glob(openapi, "openapi/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the parts of openapi.json: %w", err)
	}
	for _, name := range names {
		data, err := openapi.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read a part of openapi.json: %w", err)
		}
		part := object{}
		if err := yaml.Unmarshal(data, &part); err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		if err := merge(doc, part, name); err != nil {
			return nil, err
		}
	}
	refusals, _ := doc["x-errors"].(object)
	delete(doc, "x-errors")
	paths, _ := doc["paths"].(object)
	for path, item := range paths {
		operations, _ := item.(object)
		for method, op := range operations {
			op, ok := op.(object)
			if !ok {
				return nil, fmt.Errorf("openapi.json: %s %s is no operation", method, path)
			}
			complete(op, refusals)
		}
	}
	return json.Marshal(doc)
}

// merge adds a part to the document. Objects are merged; nothing may be said twice.
func merge(doc, part object, where string) error {
	for key, value := range part {
		have, known := doc[key]
		if !known {
			doc[key] = value
			continue
		}
		into, ok := have.(object)
		more, also := value.(object)
		if !ok || !also {
			return fmt.Errorf("%s says %s again", where, key)
		}
		if err := merge(into, more, where+": "+key); err != nil {
			return err
		}
	}
	return nil
}

// complete spells out in an operation what its x-errors and x-headers stand for.
func complete(op, refusals object) {
	answers, _ := op["responses"].(object)
	kind, _ := op["x-errors"].(string)
	list, _ := refusals[kind].(object)
	for status, why := range list {
		answers[status] = refusal(why, kind == "messages")
	}
	headers, _ := op["x-headers"].(string)
	if headers != "" {
		for status, answer := range answers {
			if a, ok := answer.(object); ok {
				a["headers"] = answered(status)
			}
		}
		op["parameters"] = append(anyList(op["parameters"]), parameters(headers)...)
	}
	maps.DeleteFunc(op, func(key string, _ any) bool { return strings.HasPrefix(key, "x-") })
}

func refusal(why any, anthropic bool) object {
	name := "Error"
	if anthropic {
		name = "AnthropicError"
	}
	return object{"description": why, "content": object{"application/json": object{"schema": ref("schemas", name)}}}
}

func answered(status string) object {
	h := object{"X-Request-Id": ref("headers", "RequestID")}
	if status == "429" || status == "503" || status == "529" {
		h["Retry-After"] = ref("headers", "RetryAfter")
	}
	return h
}

func parameters(headers string) []any {
	names := []string{"RequestID"}
	switch headers {
	case "tenant":
		names = append(names, "Tenant")
	case "all":
		names = append(names, "Tenant", "Class", "Session", "Timeout")
	}
	out := make([]any, len(names))
	for i, name := range names {
		out[i] = ref("parameters", name)
	}
	return out
}

func ref(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

func anyList(v any) []any {
	list, _ := v.([]any)
	return list
}

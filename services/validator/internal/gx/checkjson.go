package gx

import (
	"github.com/leathq/leat/services/validator/internal/jsonschema"
	"github.com/leathq/leat/services/validator/internal/pyjson"
)

// jsonParseable passes texts that json.loads reads; values of other types never are.
func jsonParseable(b *builder) error {
	return b.eachText("", func(text []byte) (bool, error) { return pyjson.Check(text) == nil, nil })
}

// matchJSONSchema validates each text as JSON. What is no JSON at all, or no text, fails the expectation and not the row.
func matchJSONSchema(b *builder) error {
	parsed, err := pyjson.Parse(appendJSON(nil, b.arg("json_schema")))
	if err != nil {
		return err
	}
	schema, err := jsonschema.Compile(parsed)
	if err != nil {
		// Python reads the schema once it has a value to hold against it.
		return b.eachText(notJSON, func(text []byte) (bool, error) {
			if _, wrong := pyjson.Parse(text); wrong != nil {
				return false, wrong
			}
			return false, err
		})
	}
	return b.eachText(notJSON, schema.ValidateText)
}

const notJSON = "the JSON object must be str, bytes or bytearray"

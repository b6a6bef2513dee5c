package chat

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nikolalohinski/gonja/v2/exec"
)

// calls makes the template's view of calls, in the shape that transformers gives them: arguments are a value, not its text.
func calls(in []ToolCall) list {
	out := make(list, len(in))
	for i, c := range in {
		arguments, err := fromJSON([]byte(c.Arguments))
		if err != nil {
			arguments = c.Arguments
		}
		out[i] = dict("id", c.ID, "type", "function", "function", dict("name", c.Name, "arguments", arguments))
	}
	return out
}

// dict is a dictionary that keeps the order of its members.
func dict(pairs ...any) *exec.Dict {
	d := exec.NewDict()
	for i := 0; i+1 < len(pairs); i += 2 {
		d.Pairs = append(d.Pairs, &exec.Pair{Key: exec.AsValue(pairs[i]), Value: exec.AsValue(pairs[i+1])})
	}
	return d
}

// fromJSON turns a JSON text into values of the engine: dictionaries keep their order, whole numbers are integers.
func fromJSON(text []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	v, err := readJSON(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("there is more after the value")
	}
	return v, nil
}

func readJSON(d *jsontext.Decoder) (any, error) {
	if d.StackDepth() > maxDepth {
		return nil, errors.New("the value is nested too deep")
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	case '0':
		return number(t.String())
	case '[':
		out := list{}
		for d.PeekKind() != ']' {
			v, err := readJSON(d)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err = d.ReadToken()
		return out, err
	}
	out := exec.NewDict()
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := key.String()
		v, err := readJSON(d)
		if err != nil {
			return nil, err
		}
		out.Pairs = append(out.Pairs, &exec.Pair{Key: exec.AsValue(name), Value: exec.AsValue(v)})
	}
	_, err = d.ReadToken()
	return out, err
}

func number(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.Atoi(text); err == nil {
			return i, nil
		}
	}
	return strconv.ParseFloat(text, 64)
}

package openai

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// syntaxError turns what jsontext says into a 400 that points at the byte, line and column.
func syntaxError(body []byte, err error) *Error {
	offset, what := int64(len(body)), "it ends before the JSON is complete"
	var se *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &se):
		line, col := position(body, se.ByteOffset)
		key := clip(se.JSONPointer.LastToken())
		return invalid(key, "", "Duplicate key '%s' at byte %d (line %d, column %d). Give every key once.",
			key, se.ByteOffset, line, col)
	case len(bytes.TrimSpace(body)) == 0:
		offset, what = 0, "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
	case errors.As(err, &se) && se.Err != nil:
		offset, what = se.ByteOffset, strings.TrimPrefix(se.Err.Error(), "jsontext: ")
	default:
		what = strings.TrimPrefix(err.Error(), "jsontext: ")
	}
	line, col := position(body, offset)
	return invalid("", "", "We could not parse the JSON body of your request: %s at byte %d (line %d, column %d). "+
		"Check that the body is one JSON object in UTF-8.", what, offset, line, col)
}

// position is the line and column of a byte offset, both from 1; a column counts characters.
func position(body []byte, offset int64) (line, col int) {
	before := body[:min(int64(len(body)), max(0, offset))]
	line = 1 + bytes.Count(before, []byte{'\n'})
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// tooDeep looks for nesting beyond most levels and returns the offset of the first bracket that exceeds it, or -1.
//
// It runs only over bodies that are refused anyway, where it picks the refusal that says what is wrong, and over those
// with a JSON Schema: others are no deeper than the API's own shapes, because every member is known and no value is
// skipped unseen.
func tooDeep(body []byte, most int) int {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch ch := body[i]; {
		case inString && ch == '\\':
			i++
		case ch == '"':
			inString = !inString
		case inString:
		case ch == '[' || ch == '{':
			if depth++; depth > most {
				return i
			}
		case ch == ']' || ch == '}':
			depth--
		}
	}
	return -1
}

// Package batch reads the lines of a batch's input, writes those of its output, and keeps its books, in OpenAI's forms.
//
// It is pure: it neither stores nor runs anything.
package batch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"
)

// Bounds of an input file, OpenAI's where it names one.
const (
	MaxRequests = 50_000
	maxErrors   = 100 // that a failed batch lists
	maxCustomID = 512
)

// Line is one request of an input file.
type Line struct {
	Index    int // from 0, blank lines not counted
	CustomID string
	Body     json.RawMessage // of the endpoint's request
}

// LineError is why a line is none, as the batch object lists it.
type LineError struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int    `json:"line"` // from 1; nil where the file as a whole is at fault
}

// Input reads the lines of a file.
type Input struct {
	r        *bufio.Reader
	endpoint string
	limit    int // bytes of a line
	number   int // of the line, from 1
	index    int
	seen     map[xxh3.Uint128]bool
	buf      []byte
}

// NewInput reads lines for an endpoint such as /v1/chat/completions, each of at most limit bytes.
func NewInput(r io.Reader, endpoint string, limit int) *Input {
	return &Input{r: bufio.NewReaderSize(r, 64<<10), endpoint: endpoint, limit: limit, seen: map[xxh3.Uint128]bool{}}
}

// Next returns the next line, which is good until the next call; or what is wrong with it, after which reading can go on
// while the line error has a line; or the reader's error, io.EOF at the end.
func (in *Input) Next() (*Line, *LineError, error) {
	for {
		data, err := in.line()
		if err != nil {
			if errors.Is(err, errTooLong) {
				return nil, in.wrong("line_too_long", "", "The line has more than %d bytes. Split the request, or ask the operator for a larger body limit.", in.limit), nil
			}
			return nil, nil, err
		}
		if len(bytes.TrimSpace(data)) == 0 {
			continue
		}
		if in.index == MaxRequests {
			return nil, &LineError{Code: "too_many_requests_in_file", Message: fmt.Sprintf("The file has more than %d requests. Split it.", MaxRequests)}, nil
		}
		l, bad := in.parse(data)
		in.index++
		return l, bad, nil
	}
}

var errTooLong = errors.New("line too long")

// line reads up to the next line feed. What is above the limit is skipped.
func (in *Input) line() ([]byte, error) {
	in.buf = in.buf[:0]
	in.number++
	long := false
	for {
		part, err := in.r.ReadSlice('\n')
		if long = long || len(in.buf)+len(part) > in.limit; !long {
			in.buf = append(in.buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (err != io.EOF || len(in.buf) == 0 && !long):
			return nil, err
		case long:
			return nil, errTooLong
		}
		return in.buf, nil
	}
}

// parse holds a line to OpenAI's form.
func (in *Input) parse(data []byte) (*Line, *LineError) {
	var l struct {
		CustomID *string         `json:"custom_id"`
		Method   *string         `json:"method"`
		URL      *string         `json:"url"`
		Body     json.RawMessage `json:"body"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return nil, in.wrong("invalid_json_line", "", "The line is not a request in JSON: %v.", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, in.wrong("invalid_json_line", "", "The line has more than one JSON value.")
	}
	switch {
	case l.CustomID == nil || *l.CustomID == "":
		return nil, in.wrong("missing_required_parameter", "custom_id", "The request has no custom_id.")
	case len(*l.CustomID) > maxCustomID:
		return nil, in.wrong("invalid_value", "custom_id", "The custom_id has more than %d bytes.", maxCustomID)
	case l.Method == nil || *l.Method != "POST":
		return nil, in.wrong("invalid_method", "method", "The method must be POST.")
	case l.URL == nil || *l.URL != in.endpoint:
		return nil, in.wrong("mismatched_endpoint", "url", "The url must be %s, the endpoint of the batch.", in.endpoint)
	case len(l.Body) == 0 || l.Body[0] != '{':
		return nil, in.wrong("missing_required_parameter", "body", "The request has no body, which must be an object.")
	}
	id := xxh3.HashString128(*l.CustomID)
	if in.seen[id] {
		return nil, in.wrong("duplicate_custom_id", "custom_id", "The custom_id stands on an earlier line, too.")
	}
	in.seen[id] = true
	if e := in.bodyOf(l.Body); e != nil {
		return nil, e
	}
	return &Line{Index: in.index, CustomID: *l.CustomID, Body: l.Body}, nil
}

// bodyOf refuses what no batch could answer.
func (in *Input) bodyOf(body json.RawMessage) *LineError {
	var b struct {
		Model  *string `json:"model"`
		Stream *bool   `json:"stream"`
	}
	switch err := json.Unmarshal(body, &b); {
	case err != nil:
		return in.wrong("invalid_request", "body", "The body is not a request: %v.", err)
	case b.Model == nil || *b.Model == "":
		return in.wrong("missing_required_parameter", "body.model", "The body names no model.")
	case b.Stream != nil && *b.Stream:
		return in.wrong("invalid_request", "body.stream", "A request of a batch cannot be streamed.")
	}
	return nil
}

func (in *Input) wrong(code, param, format string, args ...any) *LineError {
	n := in.number
	e := &LineError{Code: code, Message: fmt.Sprintf(format, args...), Line: &n}
	if param != "" {
		e.Param = &param
	}
	return e
}

// Check reads a whole input. It returns the number of requests, or what is wrong with the file: at most 100 errors.
func Check(in *Input) (requests int, wrong []LineError, err error) {
	for {
		l, bad, err := in.Next()
		switch {
		case err == io.EOF && requests == 0 && len(wrong) == 0:
			return 0, []LineError{{Code: "empty_file", Message: "The file has no request."}}, nil
		case err == io.EOF:
			return requests, wrong, nil
		case err != nil:
			return 0, nil, err
		case bad != nil:
			wrong = append(wrong, *bad)
			if bad.Line == nil || len(wrong) == maxErrors {
				return requests, wrong, nil
			}
		case l != nil:
			requests++
		}
	}
}

package batch

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Answer is what became of one request.
type Answer struct {
	Status    int             // HTTP's; 0: it was never answered
	RequestID string          // of the request that was made
	Body      json.RawMessage // the answer, or the error as OpenAI's API says it
	Code      string          // with Status 0: batch_expired, batch_cancelled, …
	Message   string          // with Status 0
}

// OK says whether the answer goes to the output file; others go to the error file.
func (a *Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// response is the "response" of an output line.
type response struct {
	Status    int             `json:"status_code"`
	RequestID string          `json:"request_id"`
	Body      json.RawMessage `json:"body"`
}

// lineFailure is the "error" of an output line.
type lineFailure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// AppendLine appends the output line of a request with its line feed. batch is the batch's id.
func AppendLine(b []byte, batch string, index int, customID string, a *Answer) ([]byte, error) {
	line := struct {
		ID       string       `json:"id"`
		CustomID string       `json:"custom_id"`
		Response *response    `json:"response"`
		Error    *lineFailure `json:"error"`
	}{ID: fmt.Sprintf("batch_req_%s_%d", batch, index), CustomID: customID}
	if a.Status > 0 {
		line.Response = &response{a.Status, a.RequestID, a.Body}
	} else {
		line.Error = &lineFailure{a.Code, a.Message}
	}
	out := bytes.NewBuffer(b)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(line); err != nil {
		return b, fmt.Errorf("spell the answer of request %d: %w", index, err)
	}
	return out.Bytes(), nil
}

// Count adds an answer to a batch's counts, and what it used to its usage.
func (r *Record) Count(a *Answer) {
	if !a.OK() {
		r.RequestCounts.Failed++
		return
	}
	r.RequestCounts.Completed++
	var body struct {
		Usage struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
			Input      int `json:"input_tokens"` // of /v1/responses
			Output     int `json:"output_tokens"`
			PromptDet  struct {
				Cached int `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
			InputDet struct {
				Cached int `json:"cached_tokens"`
			} `json:"input_tokens_details"`
			CompletionDet struct {
				Reasoning int `json:"reasoning_tokens"`
			} `json:"completion_tokens_details"`
			OutputDet struct {
				Reasoning int `json:"reasoning_tokens"`
			} `json:"output_tokens_details"`
		} `json:"usage"`
	}
	if json.Unmarshal(a.Body, &body) != nil {
		return
	}
	if r.Usage == nil {
		r.Usage = &Usage{}
	}
	u := &body.Usage
	in, out := u.Prompt+u.Input, u.Completion+u.Output
	r.Usage.Input += in
	r.Usage.Output += out
	r.Usage.Total += in + out
	r.Usage.Details.Cached += u.PromptDet.Cached + u.InputDet.Cached
	r.Usage.OutputDetails.Reasoning += u.CompletionDet.Reasoning + u.OutputDet.Reasoning
}

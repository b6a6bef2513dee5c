package jobs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/events"
	jobsv1 "github.com/leathq/leat/proto/gen/leat/jobs/v1"
)

// Result is what became of a job.
type Result struct {
	Job       string          `json:"job"`
	Kind      string          `json:"kind"`
	Tenant    string          `json:"tenant"`
	Class     string          `json:"class"`
	Status    int             `json:"status"` // as HTTP has it
	RequestID string          `json:"request_id,omitempty"`
	Response  json.RawMessage `json:"response,omitempty"`      // the answer, or the error in the API's form
	File      string          `json:"response_file,omitempty"` // the file that holds the answer, where it is too large for a message
	Attempts  int             `json:"attempts"`
	Worker    string          `json:"worker,omitempty"`
	Created   time.Time       `json:"created_at"`
	Started   time.Time       `json:"started_at"`
	Finished  time.Time       `json:"finished_at"`
}

// OK says whether the job was done.
func (r *Result) OK() bool { return r.Status >= 200 && r.Status < 300 }

// message is a result as it is published; j is its job.
func (r *Result) message(j *Job) (*nats.Msg, error) {
	m := nats.NewMsg(events.Results.Name(r.Kind, r.Job))
	m.Header.Set("Content-Type", contentJSON)
	m.Header.Set(HeaderStatus, strconv.Itoa(r.Status))
	if j.Trace != "" {
		m.Header.Set("traceparent", j.Trace)
	}
	cloudEvent(m.Header, r.Job, "leat.jobs.v1.Result")
	var err error
	if !j.Proto {
		if m.Data, err = json.Marshal(r); err != nil {
			return nil, fmt.Errorf("encode result: %w", err)
		}
		return m, nil
	}
	m.Header.Set("Content-Type", contentProto)
	m.Data, err = proto.Marshal(&jobsv1.Result{
		Job: r.Job, Kind: r.Kind, Tenant: r.Tenant, Class: r.Class, Status: uint32(r.Status), RequestId: r.RequestID,
		Response: r.Response, ResponseFile: r.File, Attempts: uint32(r.Attempts), Worker: r.Worker,
		CreatedUnixMs: unixMs(r.Created), StartedUnixMs: unixMs(r.Started), FinishedUnixMs: unixMs(r.Finished),
	})
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return m, nil
}

func unixMs(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMs(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// ReadResult takes a message of RESULTS for a result.
func ReadResult(h nats.Header, data []byte) (*Result, error) {
	if h.Get("Content-Type") != contentProto {
		r := &Result{}
		if err := json.Unmarshal(data, r); err != nil {
			return nil, fmt.Errorf("decode result: %w", err)
		}
		return r, nil
	}
	p := &jobsv1.Result{}
	if err := proto.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("decode result: %w", err)
	}
	return &Result{
		Job: p.GetJob(), Kind: p.GetKind(), Tenant: p.GetTenant(), Class: p.GetClass(), Status: int(p.GetStatus()), RequestID: p.GetRequestId(),
		Response: p.GetResponse(), File: p.GetResponseFile(), Attempts: int(p.GetAttempts()), Worker: p.GetWorker(),
		Created: fromMs(p.GetCreatedUnixMs()), Started: fromMs(p.GetStartedUnixMs()), Finished: fromMs(p.GetFinishedUnixMs()),
	}, nil
}

// errorBody is an error as the HTTP API says it.
func errorBody(code, message string) json.RawMessage {
	body, err := json.Marshal(map[string]any{"error": map[string]any{
		"message": message, "type": "invalid_request_error", "param": nil, "code": code,
	}})
	if err != nil {
		panic(err) // strings can be spelled
	}
	return body
}

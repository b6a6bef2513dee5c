package jobs

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/events"
	jobsv1 "github.com/leathq/leat/proto/gen/leat/jobs/v1"
)

// Classes of jobs, in the order in which they are served.
const (
	High   = "high"
	Normal = "normal"
	Bulk   = "bulk"
)

// Headers of jobs, results and dead letters, beside Content-Type, Nats-Msg-Id and traceparent.
const (
	HeaderJob      = "Leat-Job"      // the job's id; before Nats-Msg-Id and ce-id
	HeaderTenant   = "Leat-Tenant"   // the tenant's name, where its subject has a hash of it
	HeaderFile     = "Leat-File"     // with an empty JSON payload: the file that holds the request
	HeaderSubject  = "Leat-Subject"  // of a dead letter: where it was published
	HeaderCode     = "Leat-Code"     // of a dead letter: why, for machines
	HeaderReason   = "Leat-Reason"   // of a dead letter: why, for people
	HeaderAttempts = "Leat-Attempts" // of a dead letter: how often it was tried
	HeaderStatus   = "Leat-Status"   // of a result: as HTTP has it
	HeaderCreated  = "Leat-Created"  // of a job that is published again while it is done (again.go): when it was first
)

const (
	contentJSON  = "application/json"
	contentProto = "application/x-protobuf"
)

// Job is a request that somebody will answer later, once.
type Job struct {
	ID      string // as ID makes it
	Class   string
	Tenant  string // the tenant's name
	Kind    string // chat, completions, responses, …
	Request []byte // as the HTTP API takes it, in JSON
	File    string // the file that holds the request, where it is too large for a message
	Trace   string // W3C traceparent
	Proto   bool   // it came as protobuf, and so goes its result

	Created   time.Time
	Delivered int // how often it was handed out, this time included
	Headers   nats.Header
	Subject   string
}

// Error says why a message is no job.
type Error struct{ Code, Reason string }

func (e *Error) Error() string { return e.Reason }

// Read takes a message of JOBS for a job. sequence is its number in the stream, of which the id is made where the message
// names none. An error is an [*Error]; the job then has what could be read.
func Read(subject string, h nats.Header, data []byte, sequence uint64) (*Job, error) {
	j := &Job{Headers: h, Subject: subject, Trace: h.Get("traceparent")}
	if given := first(h, HeaderJob, nats.MsgIdHdr, "ce-id"); given != "" {
		j.ID = ID(given)
	} else {
		j.ID = fmt.Sprintf("s%d", sequence)
	}
	parts := strings.Split(subject, ".")
	if len(parts) != 4 {
		return j, &Error{"invalid_subject", fmt.Sprintf("The subject %s is not jobs.<class>.<tenant>.<kind>.", subject)}
	}
	j.Class, j.Tenant, j.Kind = parts[1], parts[2], parts[3]
	if name := h.Get(HeaderTenant); name != "" && TenantToken(name) == j.Tenant {
		j.Tenant = name
	}
	if j.Class != High && j.Class != Normal && j.Class != Bulk {
		return j, &Error{"invalid_class", fmt.Sprintf("The class %s in the subject %s is not high, normal or bulk.", j.Class, subject)}
	}
	switch kind, _, _ := strings.Cut(h.Get("Content-Type"), ";"); strings.TrimSpace(kind) {
	case "", contentJSON:
		j.Request, j.File = data, h.Get(HeaderFile)
	case contentProto, "application/protobuf":
		j.Proto = true
		p := &jobsv1.Job{}
		if err := proto.Unmarshal(data, p); err != nil {
			return j, &Error{"invalid_protobuf", fmt.Sprintf("The payload is no leat.jobs.v1.Job: %v.", err)}
		}
		j.Request, j.File = p.GetRequest(), p.GetRequestFile()
	default:
		return j, &Error{"unsupported_content_type", fmt.Sprintf("The Content-Type %q is not application/json or application/x-protobuf.", h.Get("Content-Type"))}
	}
	if j.File == "" && !json.Valid(j.Request) {
		return j, &Error{"invalid_json", "The request is not JSON. Publish the body that the HTTP API would take."}
	}
	return j, nil
}

func first(h nats.Header, names ...string) string {
	for _, n := range names {
		if v := h.Get(n); v != "" {
			return v
		}
	}
	return ""
}

// message is a job as it is published.
func (j *Job) message() (*nats.Msg, error) {
	m := nats.NewMsg(events.Jobs.Name(j.Class, TenantToken(j.Tenant), j.Kind))
	m.Header.Set(nats.MsgIdHdr, j.ID)
	m.Header.Set("Content-Type", contentJSON)
	if TenantToken(j.Tenant) != j.Tenant {
		m.Header.Set(HeaderTenant, j.Tenant)
	}
	if j.Trace != "" {
		m.Header.Set("traceparent", j.Trace)
	}
	cloudEvent(m.Header, j.ID, "leat.jobs.v1.Job")
	m.Data = j.Request
	if j.File != "" {
		m.Data = nil
		m.Header.Set(HeaderFile, j.File)
	}
	if j.Proto {
		m.Header.Set("Content-Type", contentProto)
		m.Header.Del(HeaderFile)
		data, err := proto.Marshal(&jobsv1.Job{Request: j.Request, RequestFile: j.File})
		if err != nil {
			return nil, fmt.Errorf("encode job: %w", err)
		}
		m.Data = data
	}
	return m, nil
}

// cloudEvent sets the attributes that CloudEvents' NATS binding puts into headers.
func cloudEvent(h nats.Header, id, typ string) {
	h.Set("ce-specversion", "1.0")
	h.Set("ce-id", id)
	h.Set("ce-type", typ)
	h.Set("ce-source", "leat")
	h.Set("ce-time", time.Now().UTC().Format(time.RFC3339Nano))
}

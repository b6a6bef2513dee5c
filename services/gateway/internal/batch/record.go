package batch

import (
	"encoding/json"
	"fmt"
	"time"
)

// Status of a batch.
type Status string

// The statuses, OpenAI's.
const (
	Validating Status = "validating"
	Failed     Status = "failed"
	InProgress Status = "in_progress"
	Finalizing Status = "finalizing"
	Completed  Status = "completed"
	Expired    Status = "expired"
	Cancelling Status = "cancelling"
	Cancelled  Status = "cancelled"
)

// Over says whether a batch stays as it is.
func (s Status) Over() bool { return s == Failed || s == Completed || s == Expired || s == Cancelled }

// Counts are a batch's requests.
type Counts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

// Usage adds up what the answers used.
type Usage struct {
	Input   int `json:"input_tokens"`
	Details struct {
		Cached int `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	Output        int `json:"output_tokens"`
	OutputDetails struct {
		Reasoning int `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	Total int `json:"total_tokens"`
}

// Object is OpenAI's "batch". Times are Unix seconds, nil while they have not come.
type Object struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Endpoint         string            `json:"endpoint"`
	Errors           *Errors           `json:"errors"`
	InputFileID      string            `json:"input_file_id"`
	CompletionWindow string            `json:"completion_window"`
	Status           Status            `json:"status"`
	OutputFileID     *string           `json:"output_file_id"`
	ErrorFileID      *string           `json:"error_file_id"`
	CreatedAt        int64             `json:"created_at"`
	InProgressAt     *int64            `json:"in_progress_at"`
	ExpiresAt        *int64            `json:"expires_at"`
	FinalizingAt     *int64            `json:"finalizing_at"`
	CompletedAt      *int64            `json:"completed_at"`
	FailedAt         *int64            `json:"failed_at"`
	ExpiredAt        *int64            `json:"expired_at"`
	CancellingAt     *int64            `json:"cancelling_at"`
	CancelledAt      *int64            `json:"cancelled_at"`
	RequestCounts    Counts            `json:"request_counts"`
	Usage            *Usage            `json:"usage,omitempty"`
	Metadata         map[string]string `json:"metadata"`
}

// Errors lists why a batch failed.
type Errors struct {
	Object string      `json:"object"`
	Data   []LineError `json:"data"`
}

// Record is a batch as it is stored: the object with what only its runner needs.
type Record struct {
	Object
	Tenant       string `json:"x_tenant"`
	Submitted    int    `json:"x_submitted"`     // requests that are jobs, or more
	OutputExpiry int64  `json:"x_output_expiry"` // seconds that the output is kept after it was made; 0: for good
}

// Public spells the object for clients.
func (r *Record) Public() ([]byte, error) { return json.Marshal(&r.Object) }

// Enter moves a batch to a status and notes the time. A move that makes no sense is an error.
func (r *Record) Enter(to Status, now time.Time) error {
	if !moves[r.Status][to] {
		return fmt.Errorf("a batch that is %s cannot become %s", r.Status, to)
	}
	at := now.Unix()
	r.Status = to
	*map[Status]**int64{
		InProgress: &r.InProgressAt, Finalizing: &r.FinalizingAt, Completed: &r.CompletedAt, Failed: &r.FailedAt,
		Expired: &r.ExpiredAt, Cancelling: &r.CancellingAt, Cancelled: &r.CancelledAt,
	}[to] = &at
	return nil
}

// moves is what may follow on what. A batch that expires or is cancelled still writes down what it has.
var moves = map[Status]map[Status]bool{
	Validating: {InProgress: true, Failed: true, Cancelling: true, Expired: true},
	InProgress: {Finalizing: true, Cancelling: true, Expired: true},
	Finalizing: {Completed: true, Cancelling: true},
	Cancelling: {Cancelled: true},
}

// Overdue says whether a batch's window is over.
func (r *Record) Overdue(now time.Time) bool {
	return r.ExpiresAt != nil && now.Unix() >= *r.ExpiresAt
}

// Fail notes why a batch cannot run.
func (r *Record) Fail(now time.Time, why ...LineError) error {
	r.Errors = &Errors{Object: "list", Data: why}
	return r.Enter(Failed, now)
}

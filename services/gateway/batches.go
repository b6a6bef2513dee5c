package gateway

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nuid"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/services/gateway/internal/batch"
)

// batchWindow is how long a batch may take: OpenAI's only completion_window.
const batchWindow = 24 * time.Hour

func (g *Gateway) batchRoutes() []route {
	return []route{
		{"POST", "/v1/batches", g.serveBatchCreation},
		{"GET", "/v1/batches", g.serveBatches},
		{"GET", "/v1/batches/{batch}", g.serveBatch},
		{"POST", "/v1/batches/{batch}/cancel", g.serveBatchCancel},
	}
}

// batchEndpoints are what a batch's requests may ask.
func (g *Gateway) batchEndpoints() []string { return slices.Sorted(maps.Values(jobPaths)) }

// batchRequest is the body of POST /v1/batches.
type batchRequest struct {
	InputFileID        *string           `json:"input_file_id"`
	Endpoint           *string           `json:"endpoint"`
	CompletionWindow   *string           `json:"completion_window"`
	Metadata           map[string]string `json:"metadata"`
	OutputExpiresAfter *struct {
		Anchor  string `json:"anchor"`
		Seconds int    `json:"seconds"`
	} `json:"output_expires_after"`
}

func (g *Gateway) serveBatchCreation(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	data, release, err := x.body()
	if err != nil {
		return x.refuse(err)
	}
	defer release()
	var req batchRequest
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return x.refuse(errs.New(errs.Invalid, "invalid_json", "The body is not the request of a batch: %v.", err))
	}
	if err := req.check(g.batchEndpoints()); err != nil {
		return x.refuse(err)
	}
	f, err := g.files.Get(x.alive(), owner, *req.InputFileID)
	if errors.Is(err, files.ErrNotFound) {
		err = errs.Field("input_file_id", "file_not_found", "There is no file '%s'. Upload it to /v1/files with the purpose batch.", clip(*req.InputFileID))
	} else if err == nil && f.Purpose != "batch" {
		err = errs.Field("input_file_id", "invalid_purpose", "The file '%s' has the purpose '%s'. Upload it with the purpose batch.", f.ID, f.Purpose)
	}
	if err != nil {
		return x.refuse(fileError(err, *req.InputFileID))
	}
	now := time.Now()
	ends := now.Add(batchWindow).Unix()
	b := &stored{Record: batch.Record{Tenant: owner, Object: batch.Object{
		ID: "batch_" + nuid.Next(), Object: "batch", Endpoint: *req.Endpoint, InputFileID: f.ID, CompletionWindow: "24h",
		Status: batch.Validating, CreatedAt: now.Unix(), ExpiresAt: &ends, Metadata: req.Metadata,
	}}}
	if o := req.OutputExpiresAfter; o != nil {
		b.OutputExpiry = int64(o.Seconds)
	}
	if err := g.batches.put(x.alive(), b); err != nil {
		return x.refuse(batchError(err, ""))
	}
	return x.batch(b)
}

// check refuses what cannot be a batch.
func (r *batchRequest) check(endpoints []string) error {
	switch {
	case r.InputFileID == nil || *r.InputFileID == "":
		return missingField("input_file_id")
	case r.Endpoint == nil || *r.Endpoint == "":
		return missingField("endpoint")
	case !slices.Contains(endpoints, *r.Endpoint):
		return errs.Field("endpoint", "invalid_value", "Invalid value: '%s'. Supported endpoints are %s.", clip(*r.Endpoint), strings.Join(endpoints, ", "))
	case r.CompletionWindow == nil:
		return missingField("completion_window")
	case *r.CompletionWindow != "24h":
		return errs.Field("completion_window", "invalid_value", "Invalid value: '%s'. The only completion window is 24h.", clip(*r.CompletionWindow))
	case len(r.Metadata) > 16:
		return errs.Field("metadata", "invalid_value", "Invalid 'metadata': expected at most 16 pairs.")
	}
	for k, v := range r.Metadata {
		if utf8.RuneCountInString(k) > 64 || utf8.RuneCountInString(v) > 512 {
			return errs.Field("metadata", "invalid_value", "Invalid 'metadata': keys have at most 64 characters and values at most 512.")
		}
	}
	if o := r.OutputExpiresAfter; o != nil {
		if o.Anchor != "created_at" {
			return errs.Field("output_expires_after.anchor", "invalid_value", "Invalid value: '%s'. The anchor must be created_at.", clip(o.Anchor))
		}
		if o.Seconds < 3600 || o.Seconds > 2_592_000 {
			return errs.Field("output_expires_after.seconds", "invalid_value", "Invalid value: %d. Expected a whole number from 3600 to 2592000.", o.Seconds)
		}
	}
	return nil
}

func missingField(name string) error {
	return errs.Field(name, "missing_required_parameter", "Missing required parameter: '%s'.", name)
}

// batch answers with a batch.
func (x *exchange) batch(b *stored) *reply {
	data, err := b.Public()
	if err != nil {
		return x.refuse(err)
	}
	return x.json(http.StatusOK, data)
}

func (g *Gateway) serveBatch(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	b, err := g.batches.get(x.alive(), owner, x.r.PathValue("batch"))
	if err != nil {
		return x.refuse(batchError(err, x.r.PathValue("batch")))
	}
	return x.batch(b)
}

func (g *Gateway) serveBatches(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	limit, err := x.pageSize(20, 100)
	if err != nil {
		return x.refuse(err)
	}
	all, err := g.batches.list(x.alive(), owner)
	if err != nil {
		return x.refuse(batchError(err, ""))
	}
	objects := make([]*batch.Object, len(all))
	for i, b := range all {
		objects[i] = &b.Object
	}
	l, err := page(objects, func(o *batch.Object) string { return o.ID }, x.r.URL.Query().Get("after"), limit)
	if err != nil {
		return x.refuse(err)
	}
	return x.object(l)
}

// serveBatchCancel asks the batch's runner to stop; what has been answered by then is kept.
func (g *Gateway) serveBatchCancel(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	id := x.r.PathValue("batch")
	for {
		b, err := g.batches.get(x.alive(), owner, id)
		if err != nil {
			return x.refuse(batchError(err, id))
		}
		if b.Status == batch.Cancelling || b.Status == batch.Cancelled {
			return x.batch(b)
		}
		if err := b.Enter(batch.Cancelling, time.Now()); err != nil {
			return x.refuse(errs.New(errs.Invalid, "batch_over", "The batch '%s' is %s and cannot be cancelled.", id, b.Status))
		}
		err = g.batches.put(x.alive(), b)
		if errors.Is(err, errBatchMoved) {
			continue // its runner was faster
		}
		if err != nil {
			return x.refuse(batchError(err, id))
		}
		return x.batch(b)
	}
}

func batchError(err error, id string) error {
	if errors.Is(err, errNoBatch) {
		return &errs.Error{Kind: errs.NotFound, Code: "batch_not_found", Param: "batch_id", Message: "No such Batch object: " + clip(id)}
	}
	if own := (*errs.Error)(nil); errors.As(err, &own) {
		return own
	}
	if bus.NoRoom(err) {
		return errs.New(errs.Unavailable, "batch_store_full",
			"There is no room for a batch. Try later; operator: the disk beneath NATS is full, or the limit of its store is reached.").Because(err)
	}
	return errs.New(errs.Unavailable, "batch_store_failed",
		"The store of batches did not answer. Try again; operator: is NATS's JetStream up?").Because(err)
}

package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/files"
)

// purposes are what a client may upload a file for.
var purposes = []string{"assistants", "batch", "evals", "fine-tune", "user_data", "vision"}

func (g *Gateway) fileRoutes() []route {
	return []route{
		{"POST", "/v1/files", g.serveUpload},
		{"GET", "/v1/files", g.serveFiles},
		{"GET", "/v1/files/{file}", g.serveFile},
		{"DELETE", "/v1/files/{file}", g.serveFileDeletion},
		{"GET", "/v1/files/{file}/content", g.serveFileContent},
	}
}

// fileObject is OpenAI's "file".
type fileObject struct {
	ID        string `json:"id"`
	Object    string `json:"object"`
	Bytes     int64  `json:"bytes"`
	CreatedAt int64  `json:"created_at"`
	ExpiresAt *int64 `json:"expires_at,omitempty"`
	Filename  string `json:"filename"`
	Purpose   string `json:"purpose"`
	Status    string `json:"status"`
}

func spellFile(f files.File) fileObject {
	o := fileObject{
		ID: f.ID, Object: "file", Bytes: f.Bytes, CreatedAt: f.Created.Unix(), Filename: f.Name, Purpose: f.Purpose, Status: "processed",
	}
	if !f.Expires.IsZero() {
		at := f.Expires.Unix()
		o.ExpiresAt = &at
	}
	return o
}

// listing is a page of OpenAI's lists.
type listing[T any] struct {
	Object  string  `json:"object"`
	Data    []T     `json:"data"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
	HasMore bool    `json:"has_more"`
}

// page cuts what follows the id after out of a list, at most limit of it.
func page[T any](all []T, id func(T) string, after string, limit int) (*listing[T], error) {
	if after != "" {
		i := slices.IndexFunc(all, func(v T) bool { return id(v) == after })
		if i < 0 {
			return nil, errs.Field("after", "invalid_value", "There is no '%s' in this list to go on after. Start without 'after'.", clip(after))
		}
		all = all[i+1:]
	}
	l := &listing[T]{Object: "list", Data: []T{}, HasMore: len(all) > limit}
	l.Data = append(l.Data, all[:min(limit, len(all))]...)
	if n := len(l.Data); n > 0 {
		first, last := id(l.Data[0]), id(l.Data[n-1])
		l.FirstID, l.LastID = &first, &last
	}
	return l, nil
}

// pageSize reads ?limit=.
func (x *exchange) pageSize(standard, most int) (int, error) {
	s := x.r.URL.Query().Get("limit")
	if s == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, errs.Field("limit", "invalid_value", "Invalid 'limit': '%s'. Expected a whole number from 1 to %d.", clip(s), most)
	}
	return n, nil
}

// object answers with a value as JSON.
func (x *exchange) object(v any) *reply {
	data, err := json.Marshal(v)
	if err != nil {
		return x.refuse(fmt.Errorf("encode answer: %w", err))
	}
	return x.json(http.StatusOK, data)
}

// tenant is whose the request is.
func (x *exchange) tenant() (string, error) {
	return tenant(x.r.Header.Get("X-Leat-Tenant"), x.g.cfg.Tenant)
}

func (g *Gateway) serveFiles(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	q := x.r.URL.Query()
	limit, err := x.pageSize(10_000, 10_000)
	if err != nil {
		return x.refuse(err)
	}
	order := q.Get("order")
	if order != "" && order != "asc" && order != "desc" {
		return x.refuse(errs.Field("order", "invalid_value", "Invalid 'order': '%s'. It may be asc or desc.", clip(order)))
	}
	all, err := g.files.List(x.alive(), owner)
	if err != nil {
		return x.refuse(fileError(err, ""))
	}
	if p := q.Get("purpose"); p != "" {
		all = slices.DeleteFunc(all, func(f files.File) bool { return f.Purpose != p })
	}
	if order == "asc" {
		slices.Reverse(all)
	}
	objects := make([]fileObject, len(all))
	for i, f := range all {
		objects[i] = spellFile(f)
	}
	l, err := page(objects, func(o fileObject) string { return o.ID }, q.Get("after"), limit)
	if err != nil {
		return x.refuse(err)
	}
	return x.object(l)
}

func (g *Gateway) serveFile(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	id := x.r.PathValue("file")
	f, err := g.files.Get(x.alive(), owner, id)
	if err != nil {
		return x.refuse(fileError(err, id))
	}
	return x.object(spellFile(f))
}

func (g *Gateway) serveFileDeletion(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	id := x.r.PathValue("file")
	if err := g.files.Delete(x.alive(), owner, id); err != nil {
		return x.refuse(fileError(err, id))
	}
	return x.object(struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
	}{id, "file", true})
}

// serveFileContent sends a file as it is. A client that takes nothing for slow_client is cut; what ends before the
// announced length is known to be broken.
func (g *Gateway) serveFileContent(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	id := x.r.PathValue("file")
	f, content, err := g.files.Open(x.alive(), owner, id)
	if err != nil {
		return x.refuse(fileError(err, id))
	}
	defer content.Close()
	h := x.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(f.Bytes, 10))
	h.Set("Content-Disposition", "attachment; filename="+strconv.QuoteToASCII(f.Name))
	x.w.WriteHeader(http.StatusOK)
	rc := http.NewResponseController(x.w)
	buf := make([]byte, wontBlock)
	for {
		n, err := content.Read(buf)
		if n > 0 {
			_ = rc.SetWriteDeadline(time.Now().Add(g.cfg.SlowClient))
			if _, werr := x.w.Write(buf[:n]); werr != nil {
				return nil // the client left
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			g.log.Warn("file broken off", "request_id", x.id, "file", id, "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}

// fileError says a store's error to a client.
func fileError(err error, id string) error {
	switch {
	case errors.Is(err, files.ErrNotFound):
		return &errs.Error{Kind: errs.NotFound, Code: "file_not_found", Param: "id", Message: "No such File object: " + clip(id)}
	case errors.Is(err, files.ErrFull):
		return errs.New(errs.Unavailable, "file_store_full",
			"There is no room for the file. Delete files that are not needed; operator: gateway.file_store, or the disk beneath NATS.").Because(err)
	}
	if own := (*errs.Error)(nil); errors.As(err, &own) {
		return own
	}
	return errs.New(errs.Unavailable, "file_store_failed",
		"The file store did not answer. Try again; operator: is NATS's JetStream up?").Because(err)
}

// expiry reads expires_after: a time after the file's creation, an hour to 30 days, as OpenAI has it.
func expiry(anchor, seconds string, created time.Time) (time.Time, error) {
	if anchor == "" && seconds == "" {
		return time.Time{}, nil
	}
	if anchor != "created_at" {
		return time.Time{}, errs.Field("expires_after[anchor]", "invalid_value", "Invalid 'expires_after[anchor]': '%s'. It must be created_at.", clip(anchor))
	}
	n, err := strconv.Atoi(strings.TrimSpace(seconds))
	if err != nil || n < 3600 || n > 2_592_000 {
		return time.Time{}, errs.Field("expires_after[seconds]", "invalid_value",
			"Invalid 'expires_after[seconds]': '%s'. Expected a whole number from 3600 to 2592000.", clip(seconds))
	}
	return created.Add(time.Duration(n) * time.Second), nil
}

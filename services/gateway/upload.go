package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/files"
)

// formRoom is what a form may have beside its file.
const formRoom = 64 << 10

// form is an upload as it has been read so far. The file goes to the store while it arrives: no gateway holds it.
type form struct {
	values map[string]string
	file   *files.Upload
}

// serveUpload is POST /v1/files: a multipart form, its parts in any order.
func (g *Gateway) serveUpload(x *exchange) *reply {
	owner, err := x.tenant()
	if err != nil {
		return x.refuse(err)
	}
	x.unread = x.r.ContentLength != 0
	if n := x.r.ContentLength; n > int64(g.cfg.FileLimit)+formRoom {
		return x.refuse(fileTooLarge(fmt.Sprintf("%d bytes", n), int64(g.cfg.FileLimit)))
	}
	f := &form{values: map[string]string{}}
	done, err := f.take(x, owner)
	if err != nil {
		if f.file != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(x.alive()), 10*time.Second)
			defer cancel()
			if gone := f.file.Abort(ctx); gone != nil {
				g.log.Warn("refused file not deleted; the sweep will", "request_id", x.id, "error", gone)
			}
		}
		return x.refuse(err)
	}
	return x.object(spellFile(done))
}

// take reads the form and makes its file visible.
func (f *form) take(x *exchange, owner string) (done files.File, err error) {
	kind, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return done, errs.New(errs.Invalid, "invalid_form",
			"A file is uploaded as multipart/form-data with the fields file and purpose, not as '%s'.", clip(x.r.Header.Get("Content-Type")))
	}
	body := &arriving{x: x, rc: http.NewResponseController(x.w)}
	defer body.end()
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return done, body.failed(err)
		}
		if err := f.part(x, owner, part, body); err != nil {
			return done, err
		}
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(body, formRoom)); err == nil {
		x.unread = false
	}
	return f.commit(x)
}

func (f *form) part(x *exchange, owner string, part *multipart.Part, body *arriving) error {
	name := part.FormName()
	switch name {
	case "file":
		if f.file != nil {
			return errs.Field("file", "invalid_form", "The form has more than one file. Upload them one at a time.")
		}
		if part.FileName() == "" {
			return errs.Field("file", "invalid_form", "The field file has no filename. Send it as a file, as in curl's -F file=@requests.jsonl.")
		}
		limited := &limited{r: part, left: int64(x.g.cfg.FileLimit), limit: int64(x.g.cfg.FileLimit)}
		up, err := x.g.files.Put(x.alive(), owner, part.FileName(), limited)
		if err != nil {
			return body.failed(err)
		}
		f.file = up
		return nil
	case "purpose", "expires_after[anchor]", "expires_after[seconds]":
		value, err := io.ReadAll(io.LimitReader(part, 1025))
		if err != nil {
			return body.failed(err)
		}
		if len(value) > 1024 {
			return errs.Field(name, "invalid_value", "The field %s is longer than 1024 bytes.", name)
		}
		f.values[name] = string(value)
		return nil
	}
	return errs.Field(clip(name), "unknown_parameter", "Unknown form field: '%s'. There are file, purpose and expires_after.", clip(name))
}

func (f *form) commit(x *exchange) (done files.File, err error) {
	purpose := f.values["purpose"]
	switch {
	case f.file == nil:
		return done, errs.Field("file", "missing_required_parameter", "Missing required parameter: 'file'.")
	case purpose == "":
		return done, errs.Field("purpose", "missing_required_parameter", "Missing required parameter: 'purpose'.")
	case !slices.Contains(purposes, purpose):
		return done, errs.Field("purpose", "invalid_value", "Invalid value: '%s'. Supported purposes are %s.", clip(purpose), strings.Join(purposes, ", "))
	}
	until, err := expiry(f.values["expires_after[anchor]"], f.values["expires_after[seconds]"], f.file.File().Created)
	if err != nil {
		return done, err
	}
	if done, err = f.file.Commit(x.alive(), purpose, until); err != nil {
		return done, fileError(err, "")
	}
	return done, nil
}

// limited fails above a limit.
type limited struct {
	r           io.Reader
	left, limit int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fileTooLarge(fmt.Sprintf("more than %d bytes", l.limit), l.limit)
	}
	return n, err
}

func fileTooLarge(size string, limit int64) error {
	return errs.New(errs.TooLarge, "file_too_large", "The file of %s is above the limit of %d bytes. Split it; operator: gateway.file_limit.", size, limit)
}

// arriving is a body that may take any time while it makes progress.
type arriving struct {
	x    *exchange
	rc   *http.ResponseController
	read int64
}

func (a *arriving) Read(p []byte) (int, error) {
	_ = a.rc.SetReadDeadline(time.Now().Add(a.x.g.cfg.BodyTimeout)) // one that cannot has no connection
	n, err := a.x.r.Body.Read(p)
	a.read += int64(n)
	return n, err
}

// end leaves the connection without a deadline, which would end the answer.
func (a *arriving) end() {
	if !a.x.unread {
		_ = a.rc.SetReadDeadline(time.Time{})
	}
}

// failed says why a form could not be read or stored.
func (a *arriving) failed(err error) error {
	var own *errs.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errs.New(errs.Invalid, "body_timeout",
			"The upload stopped after %d bytes: nothing came for %s. Send it again; operator: gateway.body_timeout.", a.read, a.x.g.cfg.BodyTimeout)
	case a.x.alive().Err() != nil:
		if cut := stopping(a.x.alive()); cut != nil {
			return cut
		}
		return errs.New(errs.Canceled, "client_closed", "The client left.").Because(err)
	case errors.Is(err, files.ErrFull):
		return fileError(err, "")
	case errors.Is(err, io.ErrUnexpectedEOF) || strings.HasPrefix(err.Error(), "multipart:"):
		return errs.New(errs.Invalid, "invalid_form", "The form ended after %d bytes before it was complete, or is none. Send it again.", a.read).Because(err)
	}
	return fileError(err, "")
}

package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// StatusError is a server's refusal of a download.
type StatusError struct {
	Host   string
	Status int
	Code   string // the hub's own error code, where it gives one
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s answered %d %s", e.Host, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	return s
}

// refused reports whether another way may do better than trying again.
func refused(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status < 500 && status.Status != http.StatusTooManyRequests
}

// errTooLong ends a download whose file cannot be the expected one.
var errTooLong = errors.New("the file is longer")

// attempts is how many tries without a byte gained are made before giving up.
const attempts = 5

// fetcher downloads one file to path, resuming what path+".part" already has.
type fetcher struct {
	http   *http.Client
	bar    *bar
	header http.Header
	limit  int64 // most bytes the file may have, 0 for no limit but the server's word
	pause  func(ctx context.Context, try int) error
	idle   time.Duration // a body that gives nothing for so long is cut and resumed
}

// get downloads url to path and verifies it. On a broken line it resumes by itself; when it
// gives up, or ctx ends, the .part file stays for the next run. It is removed on a wrong digest.
func (f *fetcher) get(ctx context.Context, url, path string, want digest) error {
	part := path + ".part"
	resumed := size(part) > 0
	if err := f.fill(ctx, url, part); err != nil {
		return err
	}
	err := want.verifyIfKnown(part)
	if err != nil && resumed { // what was there before may have been the bad half
		if err = errors.Join(os.Remove(part), f.fill(ctx, url, part)); err == nil {
			err = want.verifyIfKnown(part)
		}
	}
	if err != nil {
		var wrong *DigestError
		if errors.As(err, &wrong) {
			err = errors.Join(err, os.Remove(part))
		}
		return err
	}
	return os.Rename(part, path)
}

// fill makes part whole, in as many requests as the line needs.
func (f *fetcher) fill(ctx context.Context, url, part string) error {
	for try := 0; ; try++ {
		before := size(part)
		done, err := f.once(ctx, url, part)
		if done {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("stopped at %.1f MB, which are kept in %s: %w", float64(size(part))/1e6, part, context.Cause(ctx))
		}
		if diskFull(err) {
			return diskFullError(filepath.Dir(part), err)
		}
		if errors.Is(err, errTooLong) {
			return errors.Join(err, os.Remove(part))
		}
		if refused(err) {
			return err
		}
		if size(part) > before {
			try = 0
		}
		if try >= attempts {
			return fmt.Errorf("gave up after %d tries without progress; %.1f MB are kept in %s and the next run goes on there: %w",
				try, float64(size(part))/1e6, part, err)
		}
		if err := f.pause(ctx, try); err != nil {
			return err
		}
	}
}

// once makes one request and appends its body to part; done means that the file is whole.
func (f *fetcher) once(ctx context.Context, url, part string) (done bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	have := size(part)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	for k, v := range f.header {
		req.Header[k] = v
	}
	req.Header.Set("Accept-Encoding", "identity") // a range of a compressed form would be of no use
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := f.http.Do(req)
	if err != nil {
		return false, noNetwork(req.URL.Host, err)
	}
	defer resp.Body.Close()
	from, total, err := whereabouts(resp, have)
	if err != nil {
		if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0 {
			// The part is whole already, or longer than the file: the digest or a fresh start tells.
			if total == have {
				return true, nil
			}
			if err := os.Remove(part); err != nil {
				return false, err
			}
			return false, fmt.Errorf("%s was longer than the file; starting again", part)
		}
		return false, err
	}
	if f.limit > 0 && total > f.limit {
		return false, fmt.Errorf("%s: %w: %d bytes where %d were expected", req.URL.Host, errTooLong, total, f.limit)
	}
	f.bar.expect(total)
	body := &idleReader{r: resp.Body, cut: cancel, limit: f.idle}
	return f.append(part, from, total, body)
}

// whereabouts reads at which byte the body starts and how long the whole file is (-1: unknown).
func whereabouts(resp *http.Response, asked int64) (from, total int64, err error) {
	switch resp.StatusCode {
	case http.StatusOK: // the whole file, also where ranges are not understood
		return 0, resp.ContentLength, nil
	case http.StatusPartialContent:
		span, whole, ok := strings.Cut(strings.TrimPrefix(resp.Header.Get("Content-Range"), "bytes "), "/")
		start, _, ok2 := strings.Cut(span, "-")
		from, err = strconv.ParseInt(start, 10, 64)
		if !ok || !ok2 || err != nil || from != asked {
			return 0, 0, fmt.Errorf("%s answered byte %d with the range %q", resp.Request.URL.Host, asked, resp.Header.Get("Content-Range"))
		}
		if total, err = strconv.ParseInt(whole, 10, 64); err != nil {
			total = -1
		}
		return from, total, nil
	case http.StatusRequestedRangeNotSatisfiable:
		_, whole, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
		if total, err = strconv.ParseInt(whole, 10, 64); err != nil {
			total = -1
		}
	}
	return 0, total, &StatusError{Host: resp.Request.URL.Host, Status: resp.StatusCode, Code: resp.Header.Get("X-Error-Code")}
}

// append writes the body to part from byte from on.
func (f *fetcher) append(part string, from, total int64, body io.Reader) (done bool, err error) {
	out, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return false, err
	}
	if from == 0 && size(part) > 0 {
		err = out.Truncate(0)
	}
	if err == nil {
		_, err = out.Seek(from, io.SeekStart)
	}
	var n int64
	if err == nil {
		f.bar.set(from)
		if f.limit > 0 {
			body = io.LimitReader(body, f.limit-from+1)
		}
		n, err = io.Copy(io.MultiWriter(out, f.bar), body)
	}
	if err == nil && f.limit > 0 && from+n > f.limit {
		err = fmt.Errorf("%w than the %d bytes that were expected", errTooLong, f.limit)
	}
	if err == nil && total >= 0 && from+n < total {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = out.Sync()
	}
	err = errors.Join(err, out.Close())
	return err == nil, err
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

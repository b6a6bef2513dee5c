package all_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/gateway"
)

// multi makes a form of name, value pairs; the name "file" makes a file.
func multi(t *testing.T, pairs ...string) (body *bytes.Buffer, kind string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for i := 0; i < len(pairs); i += 2 {
		var part io.Writer
		var err error
		if pairs[i] == "file" {
			part, err = w.CreateFormFile("file", "in.jsonl")
		} else {
			part, err = w.CreateFormField(pairs[i])
		}
		if err == nil {
			_, err = io.WriteString(part, pairs[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body, w.FormDataContentType()
}

// ask sends a request and returns its answer's body, decoded where it is an object.
func (f *fleet) ask(t *testing.T, method, path, kind string, body io.Reader, headers ...string) (status int, object map[string]any, raw string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(data, &object)
	return resp.StatusCode, object, string(data)
}

func TestFilesAreKeptByTenant(t *testing.T) {
	f := start(t, pool.Timeouts{})
	content := strings.Repeat("{}\n", 100_000)
	// The file before its purpose: parts may come in any order.
	body, kind := multi(t, "file", content, "purpose", "batch", "expires_after[anchor]", "created_at", "expires_after[seconds]", "3600")
	status, made, raw := f.ask(t, "POST", "/v1/files", kind, body)
	if status != 200 || made["object"] != "file" || made["bytes"] != float64(len(content)) || made["filename"] != "in.jsonl" ||
		made["purpose"] != "batch" || made["status"] != "processed" || made["expires_at"] != made["created_at"].(float64)+3600 {
		t.Fatalf("%d %s", status, raw)
	}
	id := made["id"].(string)
	if status, got, raw := f.ask(t, "GET", "/v1/files/"+id, "", nil); status != 200 || fmt.Sprint(got) != fmt.Sprint(made) {
		t.Errorf("%d %s, want %v", status, raw, made)
	}
	if status, _, raw := f.ask(t, "GET", "/v1/files/"+id+"/content", "", nil); status != 200 || raw != content {
		t.Errorf("content: %d, %d bytes", status, len(raw))
	}
	for range 3 {
		body, kind := multi(t, "purpose", "evals", "file", "x")
		if status, _, raw := f.ask(t, "POST", "/v1/files", kind, body); status != 200 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	count := func(query string, headers ...string) (n int, last string, more bool) {
		_, l, raw := f.ask(t, "GET", "/v1/files?"+query, "", nil, headers...)
		data, ok := l["data"].([]any)
		if !ok {
			t.Fatal(raw)
		}
		last, _ = l["last_id"].(string)
		return len(data), last, l["has_more"].(bool)
	}
	n, last, more := count("purpose=evals&limit=2")
	if n != 2 || !more {
		t.Errorf("first page: %d, more %v", n, more)
	}
	if n, _, more := count("purpose=evals&limit=2&after=" + last); n != 1 || more {
		t.Errorf("second page: %d, more %v", n, more)
	}
	if n, _, _ := count("", "X-Leat-Tenant", "other"); n != 0 {
		t.Errorf("another tenant sees %d files", n)
	}
	for _, path := range []string{"/v1/files/" + id, "/v1/files/" + id + "/content"} {
		if status, got, raw := f.ask(t, "GET", path, "", nil, "X-Leat-Tenant", "other"); status != 404 || got["error"] == nil {
			t.Errorf("another tenant gets %d %s", status, raw)
		}
	}
	if status, got, raw := f.ask(t, "DELETE", "/v1/files/"+id, "", nil); status != 200 || got["deleted"] != true {
		t.Errorf("%d %s", status, raw)
	}
	if n, _, _ := count(""); n != 3 {
		t.Errorf("%d files are left, want 3", n)
	}
}

func TestUploadsAreRefusedWithTheFieldAtFault(t *testing.T) {
	f := start(t, pool.Timeouts{}, func(c *gateway.Config) { c.FileLimit = 64 * conf.KiB })
	form := func(pairs ...string) func() (io.Reader, string) {
		return func() (io.Reader, string) { b, k := multi(t, pairs...); return b, k }
	}
	for _, c := range []struct {
		name         string
		body         func() (io.Reader, string)
		status       int
		param, words string
	}{
		{"no form", func() (io.Reader, string) { return strings.NewReader("{}"), "application/json" }, 400, "", "multipart/form-data"},
		{"no file", form("purpose", "batch"), 400, "file", "Missing"},
		{"no purpose", form("file", "x"), 400, "purpose", "Missing"},
		{"odd purpose", form("file", "x", "purpose", "lunch"), 400, "purpose", "batch"},
		{"odd field", form("file", "x", "purpse", "batch"), 400, "purpse", "Unknown"},
		{"two files", form("file", "x", "file", "y", "purpose", "batch"), 400, "file", "one at a time"},
		{"odd expiry", form("file", "x", "purpose", "batch", "expires_after[anchor]", "created_at", "expires_after[seconds]", "60"), 400, "expires_after[seconds]", "3600"},
		{"too large, as announced", form("file", strings.Repeat("x", 200<<10), "purpose", "batch"), 413, "", "65536"},
		{"too large, as it comes", func() (io.Reader, string) {
			b, k := multi(t, "file", strings.Repeat("x", 100<<10), "purpose", "batch")
			return struct{ io.Reader }{b}, k
		}, 413, "", "65536"},
		{"cut", func() (io.Reader, string) {
			b, k := multi(t, "purpose", "batch", "file", strings.Repeat("x", 30<<10))
			return bytes.NewReader(b.Bytes()[:20<<10]), k
		}, 400, "", "before it was complete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, kind := c.body()
			status, got, raw := f.ask(t, "POST", "/v1/files", kind, body)
			e, _ := got["error"].(map[string]any)
			param, _ := e["param"].(string)
			if status != c.status || param != c.param || !strings.Contains(fmt.Sprint(e["message"]), c.words) {
				t.Errorf("%d %s, want %d, param %q and %q", status, raw, c.status, c.param, c.words)
			}
		})
	}
	if _, l, raw := f.ask(t, "GET", "/v1/files", "", nil); len(l["data"].([]any)) != 0 {
		t.Errorf("refused uploads are listed: %s", raw)
	}
	if status, _, raw := f.ask(t, "PUT", "/v1/files", "", nil); status != 405 {
		t.Errorf("%d %s", status, raw)
	}
}

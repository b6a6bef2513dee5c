package gateway_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/gateway"
)

// openapi asks a gateway for its document.
func openapi(t *testing.T) (doc struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string                     `json:"operationId"`
		Responses   map[string]json.RawMessage `json:"responses"`
	} `json:"paths"`
}, body string, g *gateway.Gateway) {
	t.Helper()
	g = gateway.New(gateway.DefaultConfig(), host.Deps{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: prometheus.NewRegistry(), ID: "g"})
	w := httptest.NewRecorder()
	g.HTTP().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/openapi.json", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("status %d, %v: %.300s", w.Code, err, w.Body)
	}
	return doc, w.Body.String(), g
}

// Every route is in the document, and the document has no other but the host's.
func TestTheDocumentHasEveryRoute(t *testing.T) {
	doc, _, g := openapi(t)
	want := append(g.Routes(), "GET /health", "GET /ready", "GET /metrics")
	var have []string
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			have = append(have, strings.ToUpper(method)+" "+path)
			if op.OperationID == "" || ids[op.OperationID] || op.Responses["200"] == nil {
				t.Errorf("%s %s: operationId %q, responses %v", method, path, op.OperationID, slices.Collect(maps.Keys(op.Responses)))
			}
			ids[op.OperationID] = true
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("the document has\n%s\nthe gateway serves\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// Every reference leads to something, and everything that can be referred to is.
func TestTheDocumentIsWhole(t *testing.T) {
	_, body, _ := openapi(t)
	var doc struct {
		Components map[string]map[string]json.RawMessage `json:"components"`
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, part := range strings.Split(body, `"$ref":"#/components/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		used[name] = true
	}
	for kind, names := range doc.Components {
		for name := range names {
			if !used[kind+"/"+name] {
				t.Errorf("nothing refers to %s/%s", kind, name)
			}
			delete(used, kind+"/"+name)
		}
	}
	for name := range used {
		t.Errorf("there is no %s", name)
	}
}

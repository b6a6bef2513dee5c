package chaos_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// paced is an OpenAI-compatible server that gives a token each 20 ms, none at all to prompts that begin with "never",
// and remembers when the connection of each prompt was closed.
type paced struct {
	addr   string
	mu     sync.Mutex
	closed map[string]time.Time // by prompt
}

func newPaced(t *testing.T) *paced {
	p := &paced{closed: map[string]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/completions", p.complete)
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"length"}]}`)
	})
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"paced","object":"model"}]}`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.addr = strings.TrimPrefix(s.URL, "http://")
	return p
}

// gone is when the upstream saw a request's connection closed.
func (p *paced) gone(a ask) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.closed[a.Prompt]
	return at, ok
}

func (p *paced) complete(w http.ResponseWriter, r *http.Request) {
	var a ask
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil || !a.Stream {
		http.Error(w, "a stream is wanted", http.StatusBadRequest)
		return
	}
	defer func() {
		if r.Context().Err() != nil {
			p.mu.Lock()
			p.closed[a.Prompt] = time.Now()
			p.mu.Unlock()
		}
	}()
	if strings.HasPrefix(a.Prompt, "never") {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range a.MaxTokens {
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"text\":\" t%d\",\"finish_reason\":null}]}\n\n", i)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
	fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n")
}

package openai_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

// scraped is a server's /metrics whose text changes.
type scraped struct {
	mu    sync.Mutex
	text  string
	reads int
}

func (s *scraped) serve(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	_, _ = io.WriteString(w, s.text)
}

// becomes changes the page and waits until it was taken in: a read that begins after another one has come.
func (s *scraped) becomes(t *testing.T, text string) {
	t.Helper()
	s.mu.Lock()
	s.text = text
	from := s.reads
	s.mu.Unlock()
	eventually(t, "the page is read", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.reads >= from+2
	})
}

// measured is an engine before a server with such a page.
func measured(t *testing.T, text string) (*server, *scraped, *openai.Engine) {
	t.Helper()
	s, page := newServer(t), &scraped{text: text}
	s.handle("/metrics", page.serve)
	cfg := config(s.URL)
	cfg.MetricsInterval = 50 * time.Millisecond
	e := healthy(t, cfg)
	page.becomes(t, text)
	return s, page, e
}

// The pages are written after the servers' documentation: their names, labels and neighbours. A server that has counted
// before its worker came tells that worker nothing by it; what it counts from then on is the worker's.
func TestEachServersMetricsBecomeStats(t *testing.T) {
	for name, want := range map[string]engine.Stats{
		"vllm":         {Running: 5, Waiting: 4, KVUse: 0.375, PromptTokens: 1200, OutputTokens: 100, CachedTokens: 600},
		"vllm-old":     {Running: 3, Waiting: 1, KVUse: 0.75, PromptTokens: 400, OutputTokens: 50, CachedTokens: 100},
		"sglang":       {Running: 7, Waiting: 2, KVUse: 0.28, PromptTokens: 1000, OutputTokens: 90, CachedTokens: 500},
		"tgi":          {Running: 6, Waiting: 5, KVUse: 0.25, PromptTokens: 600, OutputTokens: 80},
		"trtllm":       {Running: 8, Waiting: 1, KVUse: 0.33, PromptTokens: 500, OutputTokens: 60, CachedTokens: 100},
		"llama-server": {Running: 2, Waiting: 3, PromptTokens: 400, OutputTokens: 40, CachedTokens: 300},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", "metrics", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			_, page, e := measured(t, string(text))
			eventually(t, "the server's gauges", func() bool {
				got := e.Stats()
				return got.Running == want.Running && got.Waiting == want.Waiting && math.Abs(got.KVUse-want.KVUse) < 1e-9
			})
			if got := e.Stats(); got.PromptTokens+got.OutputTokens+got.CachedTokens != 0 {
				t.Errorf("what was counted before the worker came: %+v", got)
			}
			page.becomes(t, doubled(string(text)))
			if got := e.Stats(); got.PromptTokens != want.PromptTokens || got.OutputTokens != want.OutputTokens || got.CachedTokens != want.CachedTokens {
				t.Errorf("tokens %d %d %d, want %+v", got.PromptTokens, got.OutputTokens, got.CachedTokens, want)
			}
		})
	}
}

var counting = regexp.MustCompile(`(?m)^((?:\S*(?:tokens|queries|hits|predicted|cached)_total|tgi_request_(?:input_length|generated_tokens)_sum)(?:\{[^}]*\})?) (\S+)$`)

// doubled is a page with each counter of tokens at twice its value.
func doubled(page string) string {
	return counting.ReplaceAllStringFunc(page, func(line string) string {
		m := counting.FindStringSubmatch(line)
		v, _ := strconv.ParseFloat(m[2], 64)
		return fmt.Sprintf("%s %g", m[1], 2*v)
	})
}

func vllmPage(prompt, output, queries, hits, started int) string {
	return fmt.Sprintf("vllm:num_requests_running 0\nvllm:prompt_tokens_total %d\nvllm:generation_tokens_total %d\n"+
		"vllm:prefix_cache_queries_total %d\nvllm:prefix_cache_hits_total %d\nprocess_start_time_seconds %d\n", prompt, output, queries, hits, started)
}

// A server that is started anew counts from 0, and one that is put in its place counts from anywhere: the worker's numbers
// only ever rise, by what was counted under its eyes.
func TestTokensNeverJumpWhenAServerBeginsAnew(t *testing.T) {
	_, page, e := measured(t, vllmPage(1_000_000, 500_000, 1_000_000, 900_000, 1))
	for _, step := range []struct {
		name                   string
		page                   string
		prompt, output, cached uint64
	}{
		{"it counts", vllmPage(1_000_400, 500_100, 1_000_400, 900_200, 1), 400, 100, 200},
		{"it began anew", vllmPage(30, 3, 30, 3, 2), 400, 100, 200},
		{"it counts on", vllmPage(130, 13, 130, 53, 2), 500, 110, 250},
		{"it began anew and soon overtook itself", vllmPage(999_999, 99_999, 999_999, 9_999, 3), 500, 110, 250},
		{"a counter fell without a new start", vllmPage(999_000, 100_001, 999_999, 9_999, 3), 500, 112, 250},
		{"its counters are gone", "vllm:num_requests_running 0\nprocess_start_time_seconds 3\n", 500, 112, 250},
		{"and back", vllmPage(999_900, 100_901, 999_999, 9_999, 3), 500, 112, 250},
	} {
		page.becomes(t, step.page)
		got := e.Stats()
		if got.PromptTokens != step.prompt || got.OutputTokens != step.output || got.CachedTokens/10 != step.cached/10 {
			t.Errorf("%s: %d %d %d, want %d %d %d", step.name, got.PromptTokens, got.OutputTokens, got.CachedTokens, step.prompt, step.output, step.cached)
		}
	}
}

// Where an answer's usage does not say what of the prompt was cached, the server's hits do; where it does, it counts, and no
// token is counted by both.
func TestCachedTokensComeFromWhoeverTellsThem(t *testing.T) {
	const silent = `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":4}}`
	const telling = `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":0}}}`
	const hits = "vllm:num_requests_running 0\nvllm:prefix_cache_queries_total %d\nvllm:prefix_cache_hits_total %d\n"
	s, page, e := measured(t, fmt.Sprintf(hits, 0, 0))
	page.becomes(t, fmt.Sprintf(hits, 1000, 250))
	ask := func(answer string) engine.Stats {
		t.Helper()
		s.handle("/v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer)
		})
		out := newSink()
		if err := e.Generate(t.Context(), chat(false), out); err != nil {
			t.Fatal(err)
		}
		if u := out.last().Usage; u.UncachedInput != 100 || u.CacheRead != 0 {
			t.Errorf("a client's bill must not follow a mean: %+v", u)
		}
		return e.Stats()
	}
	if got := ask(silent); got.PromptTokens != 100 || got.CachedTokens != 25 || got.OutputTokens != 4 {
		t.Errorf("told by the server's hits: %+v", got)
	}
	if got := ask(telling); got.PromptTokens != 200 || got.CachedTokens != 25 || got.OutputTokens != 8 {
		t.Errorf("told by the answer: %+v", got)
	}
	page.becomes(t, vllmPage(0, 0, 1000, 250, 0))
	if got := ask(silent); got.PromptTokens != 200 || got.OutputTokens != 8 {
		t.Errorf("the server counts the tokens itself: %+v", got)
	}
}

// Prompts of a few tokens, or of which nearly all was cached, say how far away the server is, not how fast it prefills.
func TestOnlyLongPromptsTellThePrefillRate(t *testing.T) {
	const usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":4,\"prompt_tokens_details\":{\"cached_tokens\":%d}}}\n\n"
	s := newServer(t)
	e := healthy(t, config(s.URL))
	ask := func(prompt, cached int) float64 {
		s.handle("/v1/chat/completions", streaming(nil, event("a"), finished, fmt.Sprintf(usage, prompt, cached), done))
		if err := e.Generate(t.Context(), chat(true), newSink()); err != nil {
			t.Fatal(err)
		}
		return e.Stats().PrefillRate
	}
	if got := max(ask(4, 0), ask(4000, 3990)); got != 0 {
		t.Errorf("%.0f tokens/s by prompts of a few new tokens, want unknown", got)
	}
	if ask(4000, 0) == 0 {
		t.Error("unknown after a prompt of 4,000 new tokens")
	}
}

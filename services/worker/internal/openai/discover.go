package openai

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// facts is what is known of the upstream; it is replaced as a whole.
type facts struct {
	dialect       *dialect
	version       string // of the server; empty where it is not told
	upstreamModel string
	context       int
	slots         int
	bos, eos      string
	tokenizes     bool
	metrics       string // the page with metrics; empty: none
}

// defaultSlots is what an upstream is given that does not say how much it takes.
const defaultSlots = 64

// maxPage bounds the pages that are read beside generations.
const maxPage = 8 << 20

// assumed is what is known before the upstream was looked at.
func (c Config) assumed() *facts {
	_, upstream := c.names()
	f := &facts{dialect: dialects[c.Kind], upstreamModel: upstream, context: c.Context, slots: c.Slots}
	if f.dialect == nil { // auto
		f.dialect = dialects[KindCompatible]
	}
	if f.slots == 0 {
		f.slots = defaultSlots
	}
	return f
}

// fetch makes one call and reads the answer whole.
func (e *Engine) fetch(ctx context.Context, method, path string, body []byte) (status int, page []byte, err error) {
	r, err := e.upstream.do(ctx, &call{method: method, path: path, accept: "*/*", body: body})
	if err != nil {
		return 0, nil, e.unreachable(err)
	}
	defer r.close()
	page, err = io.ReadAll(io.LimitReader(r.body, maxPage))
	if err != nil {
		return r.status, nil, e.unreachable(err)
	}
	if r.status == http.StatusUnauthorized || r.status == http.StatusForbidden {
		return r.status, page, e.refusal(r.status, "", page)
	}
	return r.status, page, nil
}

// listedModel is an entry of /v1/models with the additions of vLLM, SGLang and llama-server.
type listedModel struct {
	ID          string   `json:"id"`
	Aliases     []string `json:"aliases"`
	OwnedBy     string   `json:"owned_by"`
	MaxModelLen int      `json:"max_model_len"`
	Meta        struct {
		NCtx int `json:"n_ctx"`
	} `json:"meta"`
}

// discover looks at a whole upstream: its models, its kind, its sizes, and which pages it has.
func (e *Engine) discover(ctx context.Context) (*facts, error) {
	f := e.cfg.assumed()
	status, page, err := e.fetch(ctx, http.MethodGet, "/v1/models", nil)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w; start it, or correct --upstream", err)
	case status >= 500:
		return nil, fmt.Errorf("GET /v1/models answers %d: %s", status, readError(page).message)
	case status == http.StatusOK:
		if err := e.readModels(f, page); err != nil {
			return nil, err
		}
	}
	e.describe(ctx, f)
	if e.cfg.Slots > 0 {
		f.slots = e.cfg.Slots
	}
	if e.cfg.Context > 0 {
		f.context = e.cfg.Context
	}
	if f.dialect.tokenizer != tokenizerNone {
		_, err := e.tokenize(ctx, f, "a", false, false)
		f.tokenizes = err == nil
	}
	for _, path := range f.dialect.metrics {
		status, page, err := e.fetch(ctx, http.MethodGet, path, nil)
		if err == nil && status == http.StatusOK && readMetrics(page).known {
			f.metrics = path
			break
		}
	}
	return f, ctx.Err()
}

func (e *Engine) readModels(f *facts, page []byte) error {
	var list struct {
		Data []listedModel `json:"data"`
	}
	listed := json.Unmarshal(page, &list) == nil && len(list.Data) > 0
	if !listed {
		return nil // it may still serve
	}
	if e.cfg.Kind == KindAuto {
		f.dialect = dialects[kindOf(e.root.Hostname(), list.Data[0].OwnedBy)]
	}
	i := slices.IndexFunc(list.Data, func(m listedModel) bool {
		return m.ID == f.upstreamModel || slices.Contains(m.Aliases, f.upstreamModel)
	})
	if i < 0 && (f.dialect.kind == KindLlama || e.cfg.Exec != "") && len(list.Data) == 1 && !strings.Contains(e.cfg.Model, "=") {
		i = 0 // it has one model and takes any name for it
	}
	if i < 0 {
		return fmt.Errorf("it has no model %q, it has %s: give --model NAME=UPSTREAM_NAME with one of these",
			f.upstreamModel, names(list.Data))
	}
	m := list.Data[i]
	f.upstreamModel = m.ID
	f.context = max(m.MaxModelLen, m.Meta.NCtx)
	return nil
}

// names lists models for an error message, a bounded number of them.
func names(models []listedModel) string {
	const most = 20
	quoted := make([]string, 0, most)
	for _, m := range models[:min(most, len(models))] {
		quoted = append(quoted, fmt.Sprintf("%q", m.ID))
	}
	if more := len(models) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(quoted, ", ")
}

func kindOf(host, owner string) string {
	switch {
	case owner == "vllm":
		return KindVLLM
	case owner == "sglang":
		return KindSGLang
	case owner == "llamacpp":
		return KindLlama
	case owner == "tensorrt_llm":
		return KindTRTLLM
	case host == "api.openai.com":
		return KindOpenAI
	}
	return KindCompatible
}

// prove asks for the proof that the configuration wants.
func (e *Engine) prove(ctx context.Context) error {
	if e.cfg.Probe == ProbeHealth {
		return e.proveHealth(ctx)
	}
	return e.canary(ctx)
}

func (e *Engine) proveHealth(ctx context.Context) error {
	status, page, err := e.fetch(ctx, http.MethodGet, "/health", nil)
	if err == nil && status == http.StatusNotFound { // Ollama and clouds
		status, page, err = e.fetch(ctx, http.MethodGet, "/v1/models", nil)
	}
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("its health page answers %d: %s", status, readError(page).message)
	}
	return nil
}

// canary generates one token, as a chat where the upstream only chats.
func (e *Engine) canary(ctx context.Context) error {
	f := e.facts.Load()
	req := engine.Request{Prompt: engine.Prompt{Messages: []byte(`[{"role":"user","content":"1"}]`)}, MaxTokens: 1}
	status, page, err := e.generateOnce(ctx, &req, f)
	if err == nil && status >= 400 && status < 500 && status != http.StatusTooManyRequests {
		req.Prompt = engine.Prompt{Text: "1", AddSpecial: true} // a base model has no chat template
		status, page, err = e.generateOnce(ctx, &req, f)
	}
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return e.refusal(status, "", page)
	}
	a, err := newParser().parse(page)
	if err != nil || a.failed || !a.choice {
		return fmt.Errorf("a generation of one token gives no answer: %s", excerpt(page))
	}
	return nil
}

func (e *Engine) generateOnce(ctx context.Context, req *engine.Request, f *facts) (int, []byte, error) {
	body, path, err := e.body(nil, req, f)
	if err != nil {
		return 0, nil, err
	}
	return e.fetch(ctx, http.MethodPost, path, body)
}

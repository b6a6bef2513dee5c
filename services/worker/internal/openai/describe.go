package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// describe adds what a server says of itself on pages that are its own, and tells those apart that name no owner of their
// models: TGI has the model's, and Ollama a user of its library.
func (e *Engine) describe(ctx context.Context, f *facts) {
	if e.cfg.Kind == KindAuto && f.dialect.kind == KindCompatible {
		for _, kind := range []string{KindTGI, KindOllama} {
			d := dialects[kind]
			if said := e.about(ctx, d.version); said.Total > 0 || kind == KindOllama && said.Version != "" && e.greets(ctx) {
				f.dialect = d
				said.tell(f)
				return
			}
		}
		return
	}
	if f.dialect.version != "" {
		e.about(ctx, f.dialect.version).tell(f)
	}
	if f.dialect.kind == KindLlama {
		e.readProps(ctx, f)
	}
}

// about is what a page of a server's own says: {"version"} of vLLM and Ollama, /info of TGI.
type about struct {
	Version  string `json:"version"`
	Total    int    `json:"max_total_tokens"`
	Parallel int    `json:"max_concurrent_requests"`
}

func (e *Engine) about(ctx context.Context, path string) (a about) {
	status, page, err := e.fetch(ctx, http.MethodGet, path, nil)
	if err != nil || status != http.StatusOK || json.Unmarshal(page, &a) != nil {
		return about{}
	}
	return a
}

// greets says whether the server is an Ollama by what its first page says; others have /api/version, too.
func (e *Engine) greets(ctx context.Context) bool {
	_, page, err := e.fetch(ctx, http.MethodGet, "/", nil)
	return err == nil && bytes.HasPrefix(page, []byte("Ollama"))
}

func (a about) tell(f *facts) {
	f.version = a.Version
	if f.dialect.kind != KindTGI {
		return
	}
	if a.Total > 0 {
		f.context = a.Total
	}
	if a.Parallel > 0 {
		f.slots = a.Parallel
	}
}

// readProps adds what llama-server says of itself, where it does.
func (e *Engine) readProps(ctx context.Context, f *facts) {
	status, page, err := e.fetch(ctx, http.MethodGet, "/props", nil)
	if err != nil || status != http.StatusOK {
		return
	}
	var props struct {
		Defaults struct {
			NCtx int `json:"n_ctx"`
		} `json:"default_generation_settings"`
		TotalSlots int    `json:"total_slots"`
		BOS        string `json:"bos_token"`
		EOS        string `json:"eos_token"`
	}
	if json.Unmarshal(page, &props) != nil {
		return
	}
	if props.TotalSlots > 0 {
		f.slots = props.TotalSlots
	}
	if props.Defaults.NCtx > 0 {
		f.context = props.Defaults.NCtx
	}
	f.bos, f.eos = props.BOS, props.EOS
}

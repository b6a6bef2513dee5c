package llama

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// Adapter is a LoRA adapter to load: its name and its GGUF file.
type Adapter struct{ Name, Path string }

// checkAdapterName tells what is wrong with an adapter's name: it becomes part of a model's name.
func checkAdapterName(name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("the adapter's name %q must have 1 to 64 characters", name)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	if strings.Trim(name, letters) != "" {
		return fmt.Errorf("the adapter's name %q has other characters than letters, digits, '-', '_' and '.'", name)
	}
	return nil
}

// LoadAdapter loads an adapter beside those that are there. Sequences go on meanwhile, at about half their speed while the
// self-test runs. An error is an *engine.Error that says what to do.
func (e *Engine) LoadAdapter(ctx context.Context, name, path string) (engine.Adapter, error) {
	if err := checkAdapterName(name); err != nil {
		return engine.Adapter{}, &engine.Error{Code: "invalid_adapter", Param: "name", Client: true, Message: err.Error()}
	}
	done, err := e.askAdapter(ctx, wire.AdapterCall{Name: name, Path: path})
	if err != nil {
		return engine.Adapter{}, err
	}
	return adapterOf(done), nil
}

// UnloadAdapter takes an adapter out: it accepts no more sequences from now on, and the call returns when those that run have
// ended and its memory is free. Where ctx ends first, it goes on to unload.
func (e *Engine) UnloadAdapter(ctx context.Context, name string) error {
	_, err := e.askAdapter(ctx, wire.AdapterCall{Name: name, Unload: true})
	return err
}

func (e *Engine) askAdapter(ctx context.Context, c wire.AdapterCall) (wire.Adapter, error) {
	p, err := e.current()
	if err != nil {
		return wire.Adapter{}, err
	}
	if c.Unload {
		e.forget(c.Name) // whatever happens to the child: it shall not come back with it
	}
	f, err := p.askJSON(ctx, wire.KindAdapter, func(call uint64) any {
		c.Call = call
		return c
	})
	if err != nil {
		return wire.Adapter{}, err
	}
	var done wire.AdapterDone
	if err := wire.DecodeJSON(f.Payload, &done); err != nil {
		return wire.Adapter{}, err
	}
	if a := done.Adapter; a.Err != "" {
		return a, &engine.Error{Code: a.Code, Param: "adapter", Client: true, Message: a.Err}
	}
	if !c.Unload {
		e.remember(p, done.Adapter)
	}
	return done.Adapter, nil
}

// remember and forget keep what the child serves, now and after a restart.
func (e *Engine) remember(p *process, a wire.Adapter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.adapters = append(e.adapters, Adapter{a.Name, a.Path})
	if e.proc == p {
		e.info.Adapters = append(slices.Clone(e.info.Adapters), adapterOf(a))
	}
}

func (e *Engine) forget(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.adapters = slices.DeleteFunc(e.adapters, func(a Adapter) bool { return a.Name == name })
	e.info.Adapters = slices.DeleteFunc(slices.Clone(e.info.Adapters), func(a engine.Adapter) bool { return a.Name == name })
}

func adapterOf(a wire.Adapter) engine.Adapter {
	return engine.Adapter{Name: a.Name, Path: a.Path, Version: a.Digest, Fingerprint: a.Fingerprint, Exact: a.Exact, ExactNote: a.ExactNote}
}

// adaptersOf lists what a child has loaded at its start; what a restarted one could not load is gone, with a line in the log.
func (e *Engine) adaptersOf(r *wire.Ready) (out []engine.Adapter) {
	for _, a := range r.Adapters {
		if a.Err != "" {
			e.log.Error("adapter not loaded", "adapter", a.Name, "error", a.Err)
			e.adapters = slices.DeleteFunc(e.adapters, func(o Adapter) bool { return o.Name == a.Name })
			continue
		}
		out = append(out, adapterOf(a))
	}
	return out
}

// firstError is why a new engine cannot serve the adapters that it was started with.
func firstError(r *wire.Ready) error {
	for _, a := range r.Adapters {
		if a.Err != "" {
			return fmt.Errorf("llama engine: adapter %s: %s", a.Name, a.Err)
		}
	}
	return nil
}

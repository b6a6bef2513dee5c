package worker

import (
	"context"
	"time"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	workerv1 "github.com/leathq/leat/proto/gen/leat/worker/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// adapting is an engine whose model takes LoRA adapters while it runs. Its errors are *engine.Error.
type adapting interface {
	// LoadAdapter returns when the adapter serves.
	LoadAdapter(ctx context.Context, name, path string) (engine.Adapter, error)
	// UnloadAdapter refuses new sequences at once and returns when those that run have ended and the adapter is freed.
	UnloadAdapter(ctx context.Context, name string) error
}

// adaptTimeout is how long a change of adapters may take that came over the bus; an unloading goes on behind it.
const adaptTimeout = 10 * time.Minute

func (m *member) adapting() (adapting, error) {
	if a, ok := m.engine.(adapting); ok {
		return a, nil
	}
	return nil, errs.New(errs.Invalid, "unsupported_operation", "The engine %s of worker %s takes no adapters; the engine llama does.", m.identity.get().info.Engine, m.name)
}

func (m *member) loadAdapter(ctx context.Context, name, path string) error {
	a, err := m.adapting()
	if err != nil {
		return err
	}
	switch {
	case name == "":
		return errs.Field("name", "missing_required_parameter", "Name the adapter; clients will call \"model:name\".")
	case path == "":
		return errs.Field("path", "missing_required_parameter", "Name the adapter's GGUF file, as the worker's machine sees it.")
	}
	got, err := a.LoadAdapter(ctx, name, path)
	if err != nil {
		return err
	}
	m.log.Info("adapter loaded", "adapter", name, "version", got.Version, "exact", got.Exact, "exact_note", got.ExactNote)
	m.refresh()
	m.kick()
	return nil
}

func (m *member) unloadAdapter(ctx context.Context, name string) error {
	a, err := m.adapting()
	if err != nil {
		return err
	}
	if err := a.UnloadAdapter(ctx, name); err != nil {
		return err
	}
	m.log.Info("adapter unloaded", "adapter", name)
	m.refresh()
	m.kick()
	return nil
}

// adapters lists what is loaded now.
func (m *member) adapters() (out []*inferv1.Adapter) {
	id := m.identity.get()
	for _, a := range id.info.Adapters {
		out = append(out, &inferv1.Adapter{Name: a.Name, Path: a.Path, Version: a.Version, Fingerprint: a.Fingerprint, Exact: a.Exact,
			ExactNote: a.ExactNote, Models: withAdapter(id.base, a.Name)})
	}
	return out
}

// adapt makes a change of adapters beside the subscription's goroutine and answers with the result.
func (m *member) adapt(reply string, change func(ctx context.Context) error) {
	m.serving.Go(func() {
		ctx, cancel := context.WithTimeout(m.life, adaptTimeout)
		defer cancel()
		answer := &inferv1.Adapters{}
		if err := m.safely(func() error { return change(ctx) }); err != nil {
			_, e := failure(err, m.draining())
			answer.Error = errs.Proto(e)
		}
		answer.Adapters = m.adapters()
		if err := m.reply(reply, answer); err != nil {
			m.log.Warn("answer not sent", "error", err)
		}
	})
}

// LoadAdapter implements workerv1.WorkerServiceServer.
func (a api) LoadAdapter(ctx context.Context, req *workerv1.LoadAdapterRequest) (*workerv1.LoadAdapterResponse, error) {
	m, err := a.adapt(func(m *member) error { return m.loadAdapter(ctx, req.GetName(), req.GetPath()) })
	if err != nil {
		return nil, err
	}
	return &workerv1.LoadAdapterResponse{Adapters: m.adapters()}, nil
}

// UnloadAdapter implements workerv1.WorkerServiceServer.
func (a api) UnloadAdapter(ctx context.Context, req *workerv1.UnloadAdapterRequest) (*workerv1.UnloadAdapterResponse, error) {
	m, err := a.adapt(func(m *member) error { return m.unloadAdapter(ctx, req.GetName()) })
	if err != nil {
		return nil, err
	}
	return &workerv1.UnloadAdapterResponse{Adapters: m.adapters()}, nil
}

// ListAdapters implements workerv1.WorkerServiceServer.
func (a api) ListAdapters(context.Context, *workerv1.ListAdaptersRequest) (*workerv1.ListAdaptersResponse, error) {
	m, err := a.adapt(func(*member) error { return nil })
	if err != nil {
		return nil, err
	}
	return &workerv1.ListAdaptersResponse{Adapters: m.adapters()}, nil
}

// adapt runs a change in the fleet's member and tells its error as the API does.
func (a api) adapt(change func(*member) error) (*member, error) {
	m := a.worker.member.Load()
	if m == nil {
		return nil, errNotThere
	}
	if err := change(m); err != nil {
		_, e := failure(err, m.draining())
		return nil, e
	}
	return m, nil
}

package gateway

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/models"
	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// mirrors are the copies of requests that run for nobody. Nothing waits for them: who makes one hands it over and goes on.
// It is safe for concurrent use.
type mirrors struct {
	running atomic.Int64
	due     chan *copied // never full: what running counts fits in
}

// copied is a copy of a request on its way to a mirror.
type copied struct {
	*call
	of     string // the id of the request
	target models.Target
	origin trace.SpanContext // the request's
}

// mirrored names a mirror as metrics and traces do.
func mirrored(t models.Target) string {
	if t.Pool == "" {
		return t.Model
	}
	return t.Pool + "/" + t.Model
}

// mirror hands over the copies of a call that its route's mirrors draw. They are made ready elsewhere, from the same
// memory, which the call must therefore leave to them.
func (a *answer) mirror(ctx context.Context) {
	c, m := a.call, &a.g.mirrors
	for i, t := range a.g.cfg.Models.Mirrors(c.model, routeKey(c), c.id) {
		if m.running.Add(1) > int64(a.g.cfg.Mirrors) {
			m.running.Add(-1)
			a.g.metrics.mirrored.WithLabelValues(c.model, mirrored(t), "limit").Inc()
			continue
		}
		own := *c
		own.id, own.began, own.trace = fmt.Sprintf("%s.mirror%d", c.id, i+1), time.Now(), ""
		own.class, own.waits = inferv1.Class_CLASS_BULK, pool.Timeouts{}
		own.template = pristine(c.template)
		own.template.RequestId = own.id
		c.lent = true
		a.route.mirrors, a.route.copied = append(a.route.mirrors, mirrored(t)), own.began
		m.due <- &copied{call: &own, of: c.id, target: t, origin: trace.SpanContextFromContext(ctx)}
	}
}

// runMirrors runs copies until ctx ends, and takes back what runs then.
func (g *Gateway) runMirrors(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-g.mirrors.due:
			all.Go(func() {
				defer g.mirrors.running.Add(-1)
				g.runMirror(ctx, m)
			})
		}
	}
}

// runMirror runs one copy to its end. Its client may have left: what it would have got is of interest all the same.
func (g *Gateway) runMirror(ctx context.Context, m *copied) {
	var span trace.Span
	if g.tracing {
		ctx, span = g.deps.Tracer.Tracer("leat/gateway").Start(ctx, "mirror", trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: m.origin}),
			trace.WithAttributes(attribute.String("leat.mirror.of", m.of), attribute.String("leat.mirror.target", mirrored(m.target))))
		defer span.End()
		m.trace = obs.Inject(ctx)
	}
	a := &answer{g: g, call: m.call, chat: m.messages != nil, wake: make(chan struct{}, 1)}
	name := m.model
	err := a.discard(ctx, m.target)
	a.Close()
	outcome := "ok"
	switch {
	case err != nil && ctx.Err() != nil:
		outcome = "stopped"
	case err != nil:
		outcome = cmp.Or(errs.As(err).Code, errs.As(err).Kind.Type())
	}
	g.metrics.mirrorEnded(a, name, mirrored(m.target), outcome)
	e := ending{id: m.id, path: "mirror", answer: a, span: span, status: 200}
	if a.model == nil { // nothing runs there
		e.answer = nil
	} else {
		a.annotate(span, obs.OpText)
	}
	g.log.LogAttrs(ctx, slog.LevelDebug, "mirror ended", append(e.attrs("", 200),
		slog.Bool("mirror", true), slog.String("mirror_of", m.of), slog.String("target", mirrored(m.target)), slog.String("outcome", outcome))...)
}

// discard reads an answer to its end and keeps only its books.
func (a *answer) discard(ctx context.Context, t models.Target) (err error) {
	defer func() {
		if p := recover(); p != nil { // the requests are served all the same
			a.g.log.Error("a mirror's copy panicked", "request_id", a.call.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errs.New(errs.Internal, "panic", "The copy could not be run.")
		}
	}()
	at, err := a.ready(ctx, t)
	if err != nil {
		return err
	}
	a.call.model = at.model.GetName()
	a.call.forget()
	if err := a.run(ctx, at); err != nil {
		return err
	}
	for {
		if _, err := a.Next(ctx); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

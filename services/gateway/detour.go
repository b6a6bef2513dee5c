package gateway

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/models"
	"github.com/leathq/leat/pkg/obs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

// detour is the way of a call whose name is a route: what may still answer it, and what could not.
type detour struct {
	left    []*attempt
	say     string
	hops    []hop    // what could not
	said    bool     // the fixed answer is the answer
	mirrors []string // what gets copies
	copied  time.Time
}

// hop is a model that could not answer.
type hop struct {
	where, code string // pool or model, and its error's
	at          time.Time
}

// told spells hops as headers and the log have them.
func told(hops []hop) string {
	parts := make([]string, len(hops))
	for i, h := range hops {
		parts[i] = h.where + ":" + h.code
	}
	return strings.Join(parts, ", ")
}

// trace puts the way on the request's span, an event for each turn of it.
func (d *detour) trace(span trace.Span) {
	for _, h := range d.hops {
		span.AddEvent("fallback", trace.WithTimestamp(h.at), trace.WithAttributes(attribute.String("leat.pool", h.where), obs.ErrorType.String(h.code)))
	}
	for _, m := range d.mirrors {
		span.AddEvent("mirror", trace.WithTimestamp(d.copied), trace.WithAttributes(attribute.String("leat.mirror.target", m)))
	}
	span.SetAttributes(attribute.Bool("leat.fixed", d.said))
}

// routeKey is what a call draws its target by: its session or user, so that they stay with one, else the request.
func routeKey(c *call) string {
	if key := cmp.Or(c.session, c.template.GetMetadata()["session_id"], c.template.GetUser()); key != "" {
		return c.tenant + "\x00" + key
	}
	return c.id
}

// depart makes the call ready for every model that may answer it and runs it on the first. What cannot be made ready is
// passed over; where that is so for all, the first one's error counts.
func (a *answer) depart(ctx context.Context) error {
	c := a.call
	a.route = &detour{say: a.g.cfg.Models[c.model].Say}
	template := c.template
	var first error
	for _, t := range a.g.cfg.Models.Resolve(c.model, routeKey(c)) {
		c.template = pristine(template)
		at, err := a.ready(ctx, t)
		if err == nil {
			a.route.left = append(a.route.left, at)
			continue
		}
		if first == nil {
			first = err
		}
		if len(a.route.left) == 0 {
			a.passed(cmp.Or(t.Pool, t.Model), err)
		}
		if e := errs.As(err); e.Kind == errs.Invalid && e.Code != "unsupported_parameter" {
			break // the request's own fault: nobody else would take it either
		}
	}
	c.template = template
	if a.choices = max(c.n, 1) * max(len(c.prompts), 1); len(a.route.left) == 0 && (a.route.say == "" || !elsewhere(first)) {
		return first
	}
	a.awakeFirst()
	if err := a.onward(ctx, first); err != nil {
		return err
	}
	if !a.route.said {
		a.mirror(ctx)
	}
	return nil
}

// awakeFirst has models that are up answer before those that sleep: nobody should wait for minutes where something may answer
// at once. Those that would have come before are woken, for the requests to come.
func (a *answer) awakeFirst() {
	all := a.route.left
	first := slices.IndexFunc(all, func(at *attempt) bool { return !at.asleep })
	if first < 0 {
		return
	}
	for _, at := range all[:first] {
		a.g.link.rouse(at.part, a.call.tenant)
		a.passed(at.model.pool, errs.New(errs.Unavailable, "asleep", "Pool %s sleeps; it is woken.", at.model.pool))
	}
	slices.SortStableFunc(all, func(x, y *attempt) int { return cmp.Compare(rank(x), rank(y)) })
}

func rank(at *attempt) int {
	if at.asleep {
		return 1
	}
	return 0
}

func (a *answer) ready(ctx context.Context, t models.Target) (*attempt, error) {
	m, e := a.g.directory.find(t.Pool, t.Model)
	if e != nil {
		return nil, e
	}
	return a.g.prepare(ctx, a.call, m)
}

// onward runs the call on the next model that may answer it, else gives the fixed answer, else returns why.
func (a *answer) onward(ctx context.Context, why error) error {
	for len(a.route.left) > 0 {
		at := a.route.left[0]
		a.route.left = a.route.left[1:]
		err := a.run(ctx, at)
		if err == nil {
			return nil
		}
		why = err
		a.passed(at.model.pool, err)
	}
	if a.route.say == "" {
		return why
	}
	a.route.said = true
	a.model = &served{Model: &inferv1.Model{Name: a.call.model, Engine: "fixed"}, pool: "fixed"}
	a.parsers = nil
	a.g.metrics.fallbacks.WithLabelValues(a.call.model, "fixed").Inc()
	return nil
}

// passed notes that something could not answer.
func (a *answer) passed(where string, err error) {
	code := cmp.Or(errs.As(err).Code, errs.As(err).Kind.Type())
	a.route.hops = append(a.route.hops, hop{where, code, time.Now()})
	a.g.metrics.fallbacks.WithLabelValues(a.call.model, code).Inc()
}

// elsewhere says whether another model may answer what this one failed at: it is not the request's fault, and its client
// waits still.
func elsewhere(err error) bool {
	e := errs.As(err)
	switch e.Kind {
	case errs.Invalid:
		return e.Code == "unsupported_parameter"
	case errs.Unauthenticated, errs.Forbidden, errs.TooLarge, errs.Canceled:
		return false
	}
	return e.Code != "total_timeout" && e.Code != "server_stopping"
}

// turn lets another model answer where this one failed and the reader has nothing; false: the failure stands.
func (a *answer) turn(ctx context.Context, failure error) bool {
	if a.route == nil || a.begun || ctx.Err() != nil || !elsewhere(failure) || len(a.route.left) == 0 && a.route.say == "" {
		return false
	}
	a.passed(a.model.pool, failure)
	a.takeBack()
	a.seqs, a.over, a.pieces = nil, nil, a.pieces[:0]
	a.usage, a.start, a.worker, a.firstToken, a.outTokens, a.ends = flight.Usage{}, nil, "", 0, 0, 0
	return a.onward(ctx, failure) == nil
}

// spoken is the fixed answer's pieces.
func (a *answer) spoken() []piece {
	a.pieces = a.pieces[:0]
	for i := range a.choices {
		a.pieces = append(a.pieces, piece{choice: i, Delta: flight.Delta{Text: a.route.say, End: &flight.End{Finish: "stop"}}})
	}
	return a.pieces
}

// wayHeaders say which model answered a call whose name is a route, and what could not before.
func (x *exchange) wayHeaders(a *answer) {
	if a.route == nil || a.model == nil {
		return
	}
	h := x.w.Header()
	h["X-Leat-Model"], h["X-Leat-Pool"] = []string{a.model.GetName()}, []string{a.model.pool}
	if len(a.route.hops) > 0 {
		h["X-Leat-Fallback"] = []string{told(a.route.hops)}
	}
	if a.route.said {
		h["X-Leat-Fixed"] = []string{"true"}
	}
}

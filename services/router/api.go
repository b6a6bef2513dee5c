package router

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/router/internal/dispatch"
)

// api serves leat.router.v1 from the pools' machines.
type api struct {
	routerv1.UnimplementedRouterServiceServer
	r *Router
}

// Explain returns the last picks of a pool, and who owns it: a standby has picked nothing.
func (a *api) Explain(_ context.Context, req *routerv1.ExplainRequest) (*routerv1.ExplainResponse, error) {
	p := a.r.known(req.GetPool())
	if p == nil {
		return nil, errs.New(errs.NotFound, "pool_not_found", "no pool %q here: no worker of it has reported to this router", req.GetPool())
	}
	limit := int(min(req.GetLimit(), 1000))
	if limit == 0 {
		limit = 20
	}
	p.mu.Lock()
	picks := p.m.Explain(limit)
	p.mu.Unlock()
	out := &routerv1.ExplainResponse{Router: a.r.id, Partitions: a.r.owners.view(p.name)}
	for _, pick := range picks {
		out.Picks = append(out.Picks, pickOf(pick))
	}
	return out, nil
}

func pickOf(p dispatch.Pick) *routerv1.Pick {
	out := &routerv1.Pick{
		UnixNanos: p.At.UnixNano(), Sequence: p.Key.Sequence, Policy: p.Policy, Worker: p.Worker, Reason: p.Reason,
		Gateway: p.Key.Gateway, RequestId: p.RequestID, PromptTokens: uint32(p.Tokens),
	}
	for _, w := range p.Weighed {
		out.Scores = append(out.Scores, &routerv1.Score{
			Worker: w.Worker, EstimateSeconds: w.Score, CachedTokens: uint32(w.Cached),
			Held: uint32(w.InFlight), Slots: uint32(w.Slots), Excluded: w.Excluded,
			PendingTokens: uint32(w.Pending), Rate: w.Rate, BaseSeconds: w.Base, KvUse: w.KVUse,
			Weight: uint32(w.Weight), LatencySeconds: w.Latency, Sessions: uint32(w.Sessions),
		})
	}
	return out
}

// ListPools lists pools by name.
func (a *api) ListPools(context.Context, *routerv1.ListPoolsRequest) (*routerv1.ListPoolsResponse, error) {
	out := &routerv1.ListPoolsResponse{Router: a.r.id}
	for _, p := range a.r.allPools() {
		out.Pools = append(out.Pools, p.view(time.Now()))
	}
	slices.SortFunc(out.Pools, func(x, y *routerv1.Pool) int { return cmp.Compare(x.Name, y.Name) })
	return out, nil
}

func (p *pool) view(now time.Time) *routerv1.Pool {
	seats := p.r.owners.view(p.name)
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &routerv1.Pool{Name: p.name, Policy: p.m.Policy(), Partitions: seats}
	for _, s := range seats {
		if _, mine := p.owned[s.GetNumber()]; mine {
			s.Queued, s.Dispatched = uint32(p.m.Queued()), uint32(p.m.Dispatched())
			s.Rate = p.m.DrainRate(now)
		}
	}
	out.Scaling = p.freshDecision(now)
	for _, w := range p.m.Workers(now) {
		rep := p.reports[w.Report.Worker]
		if rep == nil {
			rep = &inferv1.Report{Worker: w.Report.Worker, Pool: p.name, State: inferv1.WorkerState_WORKER_STATE_GONE}
		}
		out.Workers = append(out.Workers, &routerv1.Worker{Report: rep, AgeMs: now.Sub(w.At).Milliseconds(), Breaker: w.Breaker})
	}
	slices.SortFunc(out.Workers, func(x, y *routerv1.Worker) int {
		return cmp.Compare(x.GetReport().GetWorker(), y.GetReport().GetWorker())
	})
	return out
}

package gateway

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
	"github.com/leathq/leat/services/gateway/internal/tail"
)

const (
	// hedgeSamples is how many first-token times make a p95.
	hedgeSamples = 50
	// hedgeSpan is how long they count: once to twice so long.
	hedgeSpan = 5 * time.Minute
	// hedgeBurst is how many hedges may be saved up.
	hedgeBurst = 10
)

// hedger decides when a sequence of one pool's model is run a second time because its first token is late. It is safe for
// concurrent use.
type hedger struct {
	cfg pool.Hedge

	mu     sync.Mutex
	times  tail.Sketch
	budget float64
}

// begin notes a sequence at now, and says after what time without a first token it may be hedged; 0: not at all.
func (h *hedger) begin(now time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.budget = min(h.budget+float64(h.cfg.Budget)/100, hedgeBurst)
	h.times.Age(now)
	if h.times.Count() < hedgeSamples {
		return 0
	}
	return max(h.times.Quantile(.95), h.cfg.Floor)
}

// First notes how long a first token took. A sequence that was hedged counts from its beginning, whichever of the two had
// the token: that is beyond the p95 anyhow, so the p95 stays what it is without hedging.
func (h *hedger) First(took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.times.Add(took)
}

// spend takes a hedge out of the budget, or says that there is none left.
func (h *hedger) spend() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.budget < 1 {
		return false
	}
	h.budget--
	return true
}

// hedgers are those of the pools that hedge, by pool and model. It is safe for concurrent use.
type hedgers struct{ of sync.Map }

// hedger is that of a model, or nil where a call of it is not hedged: bulk work, for which nobody waits, and an engine that
// says nothing before the whole answer, which would be made twice.
func (g *Gateway) hedger(c *call, m *served, cfg pool.Hedge) *hedger {
	if !cfg.On() || c.class == inferv1.Class_CLASS_BULK || m.GetUnaryBlocks() && !c.stream {
		return nil
	}
	key := poolModel{m.pool, m.GetName()}
	if h, ok := g.hedgers.of.Load(key); ok {
		return h.(*hedger)
	}
	h, _ := g.hedgers.of.LoadOrStore(key, &hedger{cfg: cfg, times: tail.Sketch{Span: hedgeSpan}})
	return h.(*hedger)
}

// overtake runs a sequence beside one whose first token is late, if the budget has it. The router decides whether there is
// room for it.
func (l *link) overtake(s *flight.Sequence) {
	pool := l.partition(s.Partition).pool
	if h, ok := s.Watch().(*hedger); !ok || !h.spend() {
		l.g.metrics.hedges.WithLabelValues(pool, "budget").Inc()
		return
	}
	rival, payload := s.Overtake(l.g.table.NextID(), l.now())
	if rival == nil {
		return // the token is there
	}
	sub := afresh(payload.(*inferv1.Submit))
	sub.Sequence, sub.Attempt, sub.Overtakes = rival.ID, 1, s.ID
	rival.Payload = sub
	l.g.table.Add(rival)
	l.submit(l.partition(s.Partition), sub)
	if rival.Where().Over { // nobody wants it any more
		l.retire(rival)
	}
}

// afresh is a submission to be sent once more. Its large parts are shared.
func afresh(sub *inferv1.Submit) *inferv1.Submit {
	next := &inferv1.Submit{}
	proto.Merge(next, &inferv1.Submit{
		Gateway: sub.GetGateway(), Sequence: sub.GetSequence(), Tenant: sub.GetTenant(), Class: sub.GetClass(),
		DeadlineUnixMs: sub.GetDeadlineUnixMs(), QueueTimeoutMs: sub.GetQueueTimeoutMs(), PromptTokens: sub.GetPromptTokens(),
		MaxTokens: sub.GetMaxTokens(), Prefix: sub.GetPrefix(), SubmittedUnixNanos: sub.GetSubmittedUnixNanos(),
		Traceparent: sub.GetTraceparent(), Credit: sub.GetCredit(), Claim: sub.GetClaim(),
		RequestId: sub.GetRequestId(), Session: sub.GetSession(), WakeUntilUnixMs: sub.GetWakeUntilUnixMs(), Model: sub.GetModel(),
	})
	next.Body = sub.GetBody()
	return next
}

// outrun ends what a sequence has won its race against.
func (l *link) outrun(s *flight.Sequence) {
	loser := s.Loser()
	if loser == nil {
		return
	}
	pool := l.partition(s.Partition).pool
	l.g.metrics.hedges.WithLabelValues(pool, s.Raced()).Inc()
	if sub, ok := loser.Payload.(*inferv1.Submit); ok {
		l.g.metrics.hedgeTokens.WithLabelValues(pool).Add(float64(sub.GetPromptTokens()))
	}
	l.retire(loser)
}

// conceded takes a sequence out of a race that the other one may still win; false: there is none, and what has befallen the
// sequence is the choice's.
func (l *link) conceded(s *flight.Sequence) bool {
	if !s.GiveUp() {
		return false
	}
	if l.g.table.Get(s.ID) != nil {
		l.g.metrics.hedges.WithLabelValues(l.partition(s.Partition).pool, s.Raced()).Inc()
	}
	l.retire(s)
	return true
}

// retire ends a sequence whose frames nobody wants any more.
func (l *link) retire(s *flight.Sequence) {
	l.g.table.Remove(s.ID)
	l.withdraw(s)
}

// hedged says how second runs of the answer's choices ended; empty where there was none.
func (a *answer) hedged() (how string) {
	for _, s := range a.seqs {
		switch r := s.Raced(); r {
		case "won":
			return r
		case "lost", "open":
			how = r
		}
	}
	return how
}

// Package policy decides which worker gets a request, from snapshots of the workers alone.
//
// It refuses to know the bus, the queue and the clock: a policy is a pure scoring rule, and Pick turns scores into a
// choice. Which workers may be picked at all (ready, fresh, with room, not broken) is the caller's business.
package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Worker is what a policy sees of one worker that has room, for one request.
type Worker struct {
	InFlight int     // sequences that it holds
	Slots    int     // sequences that it runs at once
	Pending  int     // prompt tokens that wait there: its last report's and those dispatched since
	Cached   int     // prompt tokens of this request that it has cached
	KVUse    float64 // 0..1
	Rate     float64 // learnt prefill rate, tokens/s, above 0
	Base     float64 // learnt seconds to the first token beside the prefill
	LastPick uint64  // when it was picked last, in picks
}

// Request is what a policy sees of a request.
type Request struct {
	Tokens int // of the prompt
}

// Policy scores workers; the lowest score is picked. Implementations are stateless.
type Policy interface {
	// Name is what configuration calls the policy.
	Name() string
	// Score is the worker's badness for the request, in the policy's own unit.
	Score(r Request, w *Worker) float64
	// Slack is how far above the best score a worker still counts as equally good.
	Slack(best float64) float64
}

// ByName returns the policy of a name, or an error that lists the names.
func ByName(name string) (Policy, error) {
	for _, p := range []Policy{Adaptive{}, LeastConnections{}, RoundRobin{}} {
		if p.Name() == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("policy %q is not known: choose adaptive, least_connections or round_robin", name)
}

// Pick scores every worker into scores, which must be as long as ws, and returns the index of the choice: of the
// workers within the slack of the best, the one with the most cached tokens, at random between equals. ws must not be empty.
func Pick(p Policy, r Request, ws []Worker, scores []float64, rnd *rand.Rand) int {
	best := math.Inf(1)
	for i := range ws {
		scores[i] = p.Score(r, &ws[i])
		best = min(best, scores[i])
	}
	limit := best + p.Slack(best)
	choice, equals := -1, 0
	for i := range ws {
		switch {
		case scores[i] > limit:
		case choice < 0 || ws[i].Cached > ws[choice].Cached:
			choice, equals = i, 1
		case ws[i].Cached == ws[choice].Cached:
			if equals++; rnd.IntN(equals) == 0 {
				choice = i
			}
		}
	}
	if choice < 0 { // every score is NaN or infinite
		return rnd.IntN(len(ws))
	}
	return choice
}

// LeastConnections picks the worker that holds the fewest sequences.
type LeastConnections struct{}

// Name is least_connections.
func (LeastConnections) Name() string { return "least_connections" }

// Score is the number of sequences that the worker holds.
func (LeastConnections) Score(_ Request, w *Worker) float64 { return float64(w.InFlight) }

// Slack is none.
func (LeastConnections) Slack(float64) float64 { return 0 }

// RoundRobin picks the worker that was picked longest ago.
type RoundRobin struct{}

// Name is round_robin.
func (RoundRobin) Name() string { return "round_robin" }

// Score is the time of the worker's last pick.
func (RoundRobin) Score(_ Request, w *Worker) float64 { return float64(w.LastPick) }

// Slack is none.
func (RoundRobin) Slack(float64) float64 { return 0 }

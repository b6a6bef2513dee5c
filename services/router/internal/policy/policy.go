// Package policy decides which worker gets a request, from snapshots of the workers alone.
//
// It refuses to know the bus, the queue and the clock: a policy is a pure scoring rule, and Pick turns scores into a
// choice. Which workers may be picked at all (ready, fresh, with room, not broken) is the caller's business, and so is
// what snapshots are made of: Latency and Rates learn some of it, Sessions remembers who has which session.
package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// Worker is what a policy sees of one worker that has room, for one request.
type Worker struct {
	Name     string
	InFlight int     // sequences that it holds
	Slots    int     // sequences that it runs at once
	Weight   int     // its share against the others'; 0 is 1
	Pending  int     // prompt tokens that wait there: its last report's and those dispatched since
	Cached   int     // prompt tokens of this request that it has cached
	KVUse    float64 // 0..1
	Rate     float64 // learnt prefill rate, tokens/s, above 0
	Base     float64 // learnt seconds to the first token beside the prefill
	Latency  float64 // seconds to the first token, a peak-sensitive average that fades; 0: unknown
	Turn     int     // what RoundRobin keeps from pick to pick
	Sessions int     // sessions that are placed there
	Home     bool    // the request's session is placed there
}

func (w *Worker) weight() int { return max(w.Weight, 1) }

// Request is what a policy sees of a request.
type Request struct {
	Tokens  int    // of the prompt
	Session uint64 // hash of its session's key; 0: none

	sessions, weight int // of all workers that are weighed; Pick fills them in
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

// known are all policies, the default first.
var known = []Policy{Adaptive{}, LeastConnections{}, LeastLatency{}, Prefix{}, RoundRobin{}, SessionAffinity{}}

// ByName returns the policy of a name, or an error that lists the names.
func ByName(name string) (Policy, error) {
	names := make([]string, len(known))
	for i, p := range known {
		if names[i] = p.Name(); names[i] == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("policy %q is not known: choose one of %s", name, strings.Join(names, ", "))
}

// UsesPrefixes says whether a policy looks at what of a prompt workers have cached: without one that does, nobody need
// remember it.
func UsesPrefixes(p Policy) bool {
	switch p.(type) {
	case Adaptive, Prefix:
		return true
	}
	return false
}

// Pick scores every worker into scores, which must be as long as ws, and returns the index of the choice: of the
// workers within the slack of the best, the one with the most cached tokens, at random between equals. ws must not be empty.
func Pick(p Policy, r Request, ws []Worker, scores []float64, rnd *rand.Rand) int {
	for i := range ws {
		r.sessions += ws[i].Sessions
		r.weight += ws[i].weight()
	}
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

// Prefix picks the worker that has the longest prefix of the prompt cached, and of several the one that holds the
// fewest sequences. It looks at load only there: what many prompts begin with keeps them all at one worker until that
// one has no room. Adaptive weighs the one against the other.
type Prefix struct{}

// Name is prefix.
func (Prefix) Name() string { return "prefix" }

// Score is the prompt tokens that are not cached, and k/(k+1) for k sequences, which is always less than a token.
func (Prefix) Score(r Request, w *Worker) float64 {
	k := float64(max(w.InFlight, 0))
	return float64(max(r.Tokens-w.Cached, 0)) + k/(k+1)
}

// Slack is none.
func (Prefix) Slack(float64) float64 { return 0 }

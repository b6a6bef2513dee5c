package policy

import (
	"math"

	"github.com/zeebo/xxh3"
)

const (
	// loadBound is how many times its share of the sessions a worker may have (Mirrokni's c = 1 + ε with ε = 0.25; the
	// 125 of HAProxy's hash-balance-factor).
	loadBound = 1.25
	// beyond is added to the score of a worker that has its share: above every rank, which is below 38.
	beyond = 1000
)

// SessionAffinity keeps a session at one worker: where it is placed, it stays. A new one is placed by consistent hashing
// with bounded loads (Mirrokni, Thorup, Zadimoghaddam: Consistent Hashing with Bounded Loads, 2016; HAProxy's
// hash-balance-factor): at the first worker in its own order that has fewer than 1.25 times its share of the sessions,
// rounded up. The order is rendezvous hashing's (Thaler, Ravishankar 1998; with weights Schindelhauer, Schomaker 2005)
// and not a ring's: there is nothing to keep, and what a worker cannot take spreads over all others instead of falling
// on its neighbour.
//
// As in the paper what is counted is sessions, not requests in flight as HAProxy does: with a few dozen requests in
// flight the bound would send every fourth one elsewhere by chance, away from its cache. A request without a session
// goes to the worker that holds the fewest sequences for its weight.
type SessionAffinity struct{}

// Name is session_affinity.
func (SessionAffinity) Name() string { return "session_affinity" }

// Score is 0 where the session is placed; else the worker's rank for it, above 0, and 1,000 more where the worker has
// its share. Without a session it is the sequences that the worker holds, over its weight.
func (SessionAffinity) Score(r Request, w *Worker) float64 {
	switch {
	case r.Session == 0:
		return float64(w.InFlight) / float64(w.weight())
	case w.Home:
		return 0
	case w.Sessions+1 > sessionBound(r.sessions+1, w.weight(), r.weight):
		return beyond + rank(r.Session, w)
	}
	return rank(r.Session, w)
}

// Slack is none.
func (SessionAffinity) Slack(float64) float64 { return 0 }

// sessionBound is how many of so many sessions a worker of a weight may have where all weights sum up to total.
func sessionBound(sessions, weight, total int) int {
	return int(math.Ceil(loadBound * float64(sessions) * float64(weight) / float64(total)))
}

// rank is −ln u / weight for the number u between 0 and 1 that session and worker hash to: the lowest of all is each
// worker's as often as its weight says, and another worker's coming or going changes nothing between the rest.
func rank(session uint64, w *Worker) float64 {
	u := (float64(xxh3.HashStringSeed(w.Name, session)>>11) + .5) / (1 << 53)
	return -math.Log(u) / float64(w.weight())
}

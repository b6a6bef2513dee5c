package routing_test

import (
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/pool"
)

// sideBySide runs the same traffic under several policies at once, on a platform for each.
func sideBySide(t *testing.T, over func(*testing.T) wires, slower float64, tr traffic, policies ...string) []*result {
	t.Helper()
	fleets, results := make([]*fleet, len(policies)), make([]*result, len(policies))
	for i, policy := range policies {
		fleets[i] = start(t, over(t), policy, slower)
	}
	var all sync.WaitGroup
	for i, f := range fleets {
		all.Go(func() { results[i] = f.run(t, tr) })
	}
	all.Wait()
	for i, r := range results {
		t.Logf("%-17s %v", policies[i], r.check(t))
		if n := len(results[0].ttft); len(r.ttft) != n {
			t.Errorf("%d requests under %s and %d under %s: not the same traffic", len(r.ttft), policies[i], n, policies[0])
		}
	}
	return results
}

// every makes the comparisons print the table of docs/routing.md.
var every = flag.Bool("every-policy", false, "compare all policies, also those of which a test claims nothing")

// compare is sideBySide in virtual time.
func compare(t *testing.T, slower float64, tr traffic, policies ...string) (results []*result) {
	t.Helper()
	for _, p := range pool.Policies() {
		if *every && !slices.Contains(policies, p) {
			policies = append(policies, p)
		}
	}
	bustest.Bubble(t, func(t *testing.T) { results = sideBySide(t, inMemory, slower, tr, policies...) })
	if !t.Failed() {
		draws(tr.name, policies, results)
	}
	return results
}

// missed is what of the claim of prefix routing does not hold against least_connections: hits ≥ .88, and a quarter of
// the time to first token.
func missed(base, got *result) (claims []string) {
	if got.hits() < .88 {
		claims = append(claims, fmt.Sprintf("prefix hits %.3f, want ≥ .88", got.hits()))
	}
	if got.quantile(.5) > base.quantile(.5)/4 {
		claims = append(claims, fmt.Sprintf("TTFT p50 %v, want ≤ a quarter of %v", got.quantile(.5), base.quantile(.5)))
	}
	return claims
}

func TestSharedPrefixesFindTheirWorker(t *testing.T) {
	for _, share := range []float64{.72, .85} {
		t.Run(fmt.Sprint("load ", share), func(t *testing.T) {
			r := compare(t, 1, shared(share, 1), "least_connections", "adaptive")
			for _, claim := range missed(r[0], r[1]) {
				t.Error(claim)
			}
		})
	}
}

func TestGrowingSessionsStayWhereTheyAre(t *testing.T) {
	policies := []string{"least_connections", "adaptive", "round_robin", "session_affinity", "prefix"}
	r := compare(t, 1, sessions(.8, 3), policies...)
	for _, i := range []int{1, 3, 4} {
		for _, claim := range missed(r[0], r[i]) {
			t.Errorf("%s: %s", policies[i], claim)
		}
	}
	// What the experiment is worth: a policy that does not look at prefixes misses both claims.
	if claims := missed(r[0], r[2]); len(claims) != 2 {
		t.Errorf("round_robin misses only %q: the experiment does not tell policies apart", claims)
	}
}

func TestASlowEngineDoesNotSpoilTheTail(t *testing.T) {
	tr := shared(.72, 2)
	tr.name = "load 0.72, one engine five times slower"
	r := compare(t, 5, tr, "least_connections", "adaptive")
	if base, got := r[0].quantile(.99), r[1].quantile(.99); got > base/3 {
		t.Errorf("TTFT p99 %v, want ≤ a third of %v", got, base)
	}
}

// What virtual time leaves out are sockets and the time that the platform itself takes. The bars leave room for a busy
// machine, of which both policies have the same.
func TestOverSocketsAndInRealTimeItIsTheSame(t *testing.T) {
	tr := shared(.72, 4)
	tr.warm, tr.measure, tr.after = 6*time.Second, 8*time.Second, 0
	r := sideBySide(t, sockets, 1, tr, "least_connections", "adaptive")
	base, got := r[0], r[1]
	if got.hits() < .8 || got.hits() < base.hits()*1.5 {
		t.Errorf("prefix hits %.3f, least_connections' %.3f: want ≥ .8 and half as many again", got.hits(), base.hits())
	}
	if got.quantile(.5) > base.quantile(.5)/2 {
		t.Errorf("TTFT p50 %v, want ≤ half of %v", got.quantile(.5), base.quantile(.5))
	}
}

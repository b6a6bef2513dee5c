package chaos_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
)

// lasts is how long a party goes on after a fault and its repair.
const lasts = 3 * time.Second

// tell prints a line and keeps it for the report.
func tell(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	note("kills", "- "+format, args...)
}

// on lets the load go on for a while.
func on(d time.Duration) { <-time.After(d) }

// A killed worker costs only the streams that it had begun: each ends in one error event. What had no token yet is
// answered by another worker. The next life of its name takes work again.
func TestKilledWorkerCostsOnlyTheStreamsItHadBegun(t *testing.T) {
	beside(t)
	p := newParty(t)
	l := p.dance()
	killed := time.Now()
	p.workers["w1"].Kill(t)
	on(time.Second)
	p.simulator("w1")
	reborn := time.Now()
	on(lasts)
	got := l.end()
	lost := func(o *outcome) bool {
		return o.verdict() == broken && o.code == "worker_lost" && o.worker == "w1" && o.chunks > 0 && o.began.Before(killed)
	}
	p.book.honest(t, got, lost)
	broke := slices.DeleteFunc(slices.Clone(got), func(o *outcome) bool { return !lost(o) })
	again := slices.DeleteFunc(slices.Clone(got), func(o *outcome) bool { return o.worker != "w1" || o.began.Before(reborn) })
	tell(t, "worker killed under %d streams: %s; clients heard of it %.0f ms after the kill at most; its next life answered %d",
		streams, tally(got), ms(quantile(broke, 1, func(o *outcome) time.Duration { return o.ended.Sub(killed) })), len(again))
	if len(broke) > simSlots {
		t.Errorf("%d streams broke; the worker had %d slots", len(broke), simSlots)
	}
	if len(again) == 0 {
		t.Error("the worker's next life got no work")
	}
	p.settled()
	p.full()
	p.settled()
}

// A killed router costs nothing: running streams go on, waiting ones are sent again to the router that takes over.
func TestKilledRouterCostsNothing(t *testing.T) {
	beside(t)
	p := newParty(t)
	owner, before := p.oneOwner("sim")
	l := p.dance()
	victim := slices.IndexFunc(p.routers, func(r *procs.Process) bool { return p.idOf(r) == owner })
	other := p.routers[1-victim]
	heir := p.idOf(other)
	killed := time.Now()
	p.routers[victim].Kill(t)
	procs.Within(t, 5*time.Second, "the other router owns the partition", func() bool { id, _ := p.owner(other, "sim"); return id == heir })
	takeover := time.Since(killed)
	on(time.Second)
	p.routers[victim] = p.service("router", "router again")
	on(lasts)
	got := l.end()
	p.book.honest(t, got, nil)
	_, after := p.oneOwner("sim")
	tell(t, "router killed under %d streams: %s; taken over after %.0f ms (aim 500); epoch %d → %d; longest wait for a first token %.0f ms",
		streams, tally(got), ms(takeover), before, after, ms(quantile(got, 1, firstToken)))
	if takeover > 2*time.Second {
		t.Errorf("takeover took %v", takeover)
	}
	if after <= before {
		t.Errorf("the epoch was %d and is %d", before, after)
	}
	p.settled()
	p.full()
	p.settled()
}

func firstToken(o *outcome) time.Duration {
	if o.first.IsZero() {
		return 0
	}
	return o.first.Sub(o.began)
}

// A router that hangs is replaced before its lease ends, costs nothing, and is no owner any more when it wakes up.
func TestHangingRouterIsReplacedAndFenced(t *testing.T) {
	beside(t)
	p := newParty(t)
	owner, before := p.oneOwner("sim")
	l := p.dance()
	victim := slices.IndexFunc(p.routers, func(r *procs.Process) bool { return p.idOf(r) == owner })
	other := p.routers[1-victim]
	heir := p.idOf(other)
	hung := time.Now()
	stop(t, p.routers[victim])
	procs.Within(t, 10*time.Second, "the other router owns the partition", func() bool { id, _ := p.owner(other, "sim"); return id == heir })
	takeover := time.Since(hung)
	on(time.Second)
	signal(t, p.routers[victim], syscall.SIGCONT)
	on(lasts)
	got := l.end()
	p.book.honest(t, got, nil)
	id, after := p.oneOwner("sim")
	tell(t, "router stopped under %d streams: %s; taken over after %.0f ms (limit 3,000); epoch %d → %d", streams, tally(got), ms(takeover), before, after)
	if takeover > 4*time.Second {
		t.Errorf("takeover took %v", takeover)
	}
	if id != heir || after <= before {
		t.Errorf("owner %s with epoch %d, want %s with more than %d", id, after, heir, before)
	}
	p.settled()
	p.full()
	p.settled()
}

// NATS may be killed and started again: streams go on where they were, and nothing is lost, doubled or spliced.
func TestKilledNATSCostsNothing(t *testing.T) {
	p := newParty(t)
	_, before := p.oneOwner("sim")
	l := p.dance()
	p.nats.Kill(t)
	on(500 * time.Millisecond)
	p.nats.Start(t)
	on(lasts)
	got := l.end()
	typed := func(o *outcome) bool { return o.verdict() == broken || o.verdict() == refused }
	p.book.honest(t, got, typed)
	_, after := p.oneOwner("sim")
	failed := slices.DeleteFunc(slices.Clone(got), func(o *outcome) bool { return !typed(o) })
	tell(t, "nats-server killed and back after 500 ms under %d streams: %s; epoch %d → %d", streams, tally(got), before, after)
	for _, o := range failed[:min(5, len(failed))] {
		t.Logf("%v", o)
	}
	if len(failed) > streams/10 {
		t.Errorf("%d of %d running streams failed", len(failed), streams)
	}
	p.settled()
	p.full()
	p.settled()
}

// A killed gateway cuts its own clients at once and nobody else's; its slots are free again soon after its last
// heartbeat is 3 s old.
func TestKilledGatewayCostsOnlyItsOwnClients(t *testing.T) {
	beside(t)
	p := newParty(t)
	l := p.dance()
	dead, other := p.gateways[0], p.gateways[1]
	p.use(other) // those that are cut off come back there
	killed := time.Now()
	dead.Kill(t)
	free := procs.Within(t, 15*time.Second, "every worker has stopped what the dead gateway asked for", func() bool {
		for _, w := range p.workers {
			if metric(w, "leat_worker_orphans_total") < 1 {
				return false
			}
		}
		return true
	})
	on(time.Second)
	got := l.end()
	gone := func(o *outcome) bool {
		return (o.verdict() == cut || o.verdict() == nothing) && o.began.Before(killed.Add(100*time.Millisecond)) && o.ended.Sub(killed) < 2*time.Second
	}
	p.book.honest(t, got, gone)
	cutOff := slices.DeleteFunc(slices.Clone(got), func(o *outcome) bool { return !gone(o) })
	if len(cutOff) == 0 || len(cutOff) > streams*6/10 {
		t.Errorf("%d clients were cut off, want about %d", len(cutOff), streams/2)
	}
	tell(t, "gateway killed under %d streams: %s; its own clients were cut after %.0f ms at most; its slots were free after %.1f s (limit 3 and a sweep)",
		streams, tally(got), ms(quantile(cutOff, 1, func(o *outcome) time.Duration { return o.ended.Sub(killed) })), free.Seconds())
	p.gateways[0] = p.service("gateway", "gateway again")
	p.serving("sim", 3)
	p.use(p.gateways...)
	p.full()
	p.settled()
}

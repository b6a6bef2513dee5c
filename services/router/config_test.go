package router

import (
	"strings"
	"testing"
	"time"

	settings "github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/router/internal/dispatch"
)

// max_fails and fail_timeout do what their help says: so many failures within 10 s, whatever succeeds between them; a trial
// after a quarter, doubled up to the whole, and back after one that succeeds.
func TestMaxFailsAndFailTimeoutDoWhatTheirHelpSays(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Pools = settings.Set{"p": {MaxFails: 2, FailTimeout: 4 * time.Second}}
	now := time.Unix(1_000_000, 0)
	m, err := cfg.machine("p", now)
	if err != nil {
		t.Fatal(err)
	}
	p := &prober{t: t, m: m, now: now}
	p.answer(dispatch.Broken)
	p.now = now.Add(9 * time.Second)
	p.answer(dispatch.Done)
	if p.answer(dispatch.Broken); p.breaker() != "open" {
		t.Fatalf("%s after two failures within 10 s", p.breaker())
	}
	for _, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
		p.now = p.now.Add(wait - time.Millisecond)
		if p.breaker() != "open" {
			t.Errorf("a trial before %s", wait)
		}
		p.now = p.now.Add(time.Millisecond)
		p.answer(dispatch.Broken)
	}
	p.now = p.now.Add(4 * time.Second)
	if p.answer(dispatch.Done); p.breaker() != "closed" {
		t.Errorf("%s after a trial that succeeded", p.breaker())
	}
	p.answer(dispatch.Broken)
	p.now = p.now.Add(11 * time.Second)
	if p.answer(dispatch.Broken); p.breaker() != "closed" {
		t.Errorf("%s after two failures 11 s apart", p.breaker())
	}
}

// prober gives the one worker of a machine a request at a time.
type prober struct {
	t        *testing.T
	m        *dispatch.Machine
	now      time.Time
	sequence uint64
}

// answer submits a request that the worker ends with a verdict.
func (p *prober) answer(v dispatch.Verdict) {
	p.t.Helper()
	p.sequence++
	p.m.Report(dispatch.Report{Worker: "w", Number: p.sequence, Started: 1, State: dispatch.Ready, Slots: 1}, p.now)
	p.m.Submit(dispatch.Submit{Key: dispatch.Key{Gateway: "g", Sequence: p.sequence}, Attempt: 1}, p.now)
	for _, a := range p.m.Actions() {
		if a.Kind == dispatch.Send {
			p.m.Outcome(dispatch.Outcome{Worker: "w", Number: a.Number, Verdict: v}, p.now)
			return
		}
	}
	p.t.Fatalf("request %d was not sent", p.sequence)
}

func (p *prober) breaker() string { return p.m.Workers(p.now)[0].Breaker }

// What the settings accept, the router can do, and what they do not, they refuse by naming what there is.
func TestEveryPolicyThatSettingsTakeHasARule(t *testing.T) {
	for _, name := range settings.Policies() {
		cfg := DefaultConfig()
		cfg.Pools = settings.Set{"p": {Policy: name}}
		if err := cfg.Pools.Of("p").Validate(); err != nil {
			t.Error(err)
		}
		m, err := cfg.machine("p", time.Unix(1_000_000, 0))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if m.Policy() != name {
			t.Errorf("%s is done by %s", name, m.Policy())
		}
	}
	unknown := settings.Set{"p": {Policy: "fastest"}}.Of("p").Validate()
	for _, name := range append(settings.Policies(), "fastest") {
		if unknown == nil || !strings.Contains(unknown.Error(), name) {
			t.Errorf("%v: want it to name %s", unknown, name)
		}
	}
}

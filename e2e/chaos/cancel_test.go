package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
)

// cancels is how many clients leave in each stage of an engine's test: 201 over the three stages.
const cancels = 67

// stage is where in its life a request is when its client leaves.
type stage struct {
	name    string
	victim  func(i int) ask
	filled  bool // company takes every slot, so that victims wait in the router
	decodes bool // the client leaves after its first token
}

// rig is a fleet with one worker whose slots are watched.
type rig struct {
	*fleet
	t       *testing.T
	model   string
	slots   int
	told    int             // tokens of company's stories
	company func(i int) ask // a long request
	gone    func(victim ask) (time.Time, bool)
}

// TestClientGoneFreesTheSlotSim and its siblings show: whatever a request does when its client leaves, its slot is free
// soon, and the other sequences' texts are those of an undisturbed run.
func TestClientGoneFreesTheSlotSim(t *testing.T) {
	r := newRig(t, "sim", 6, "--engine", "sim", "--slots", "6", "--sim-mean-output", "100000")
	prompt := func(i int) string { return strings.Repeat(fmt.Sprintf("victim %d of the sim. ", i), 1) }
	r.leave(t, []stage{
		{name: "queued", filled: true, victim: func(i int) ask { return r.ask(prompt(i), 50) }},
		{name: "prefill", victim: func(i int) ask { return r.ask(strings.Repeat(prompt(1000+i), 4000), 50) }},
		{name: "decode", decodes: true, victim: func(i int) ask { return r.ask(prompt(2000+i), 5000) }},
	})
}

func TestClientGoneFreesTheSlotOpenAI(t *testing.T) {
	up := newPaced(t)
	r := newRig(t, "openai", 6, "--engine", "openai", "--model", "paced", "--upstream", "http://"+up.addr, "--slots", "6")
	r.gone = up.gone
	r.leave(t, []stage{
		{name: "queued", filled: true, victim: func(i int) ask { return r.ask(fmt.Sprintf("queued %d", i), 50) }},
		{name: "prefill", victim: func(i int) ask { return r.ask(fmt.Sprintf("never %d", i), 50) }},
		{name: "decode", decodes: true, victim: func(i int) ask { return r.ask(fmt.Sprintf("decode %d", i), 5000) }},
	})
}

func TestClientGoneFreesTheSlotLlama(t *testing.T) {
	r := newRig(t, "llama", 4, "--engine", "llama", "--slots", "4")
	r.told = 150
	long := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 130)
	r.leave(t, []stage{
		{name: "queued", filled: true, victim: func(i int) ask { return r.ask(fmt.Sprintf("Question %d:", i), 50) }},
		{name: "prefill", victim: func(i int) ask { return r.ask(fmt.Sprintf("Story %d. ", i)+long, 50) }},
		{name: "decode", decodes: true, victim: func(i int) ask { return r.ask(fmt.Sprintf("Tale %d:", i), 1000) }},
	})
}

func newRig(t *testing.T, model string, slots int, args ...string) *rig {
	t.Helper()
	f := newFleet(t, 1, 1, "")
	f.worker("w", model, args...)
	f.serving(model, 1)
	r := &rig{fleet: f, t: t, model: model, slots: slots, told: 300}
	r.company = func(i int) ask {
		a := r.ask(fmt.Sprintf("Company number %d tells a long story.", i), r.told)
		a.Temperature = 0.8
		return a
	}
	return r
}

func (r *rig) ask(prompt string, tokens int) ask {
	return ask{Model: r.model, Prompt: prompt, MaxTokens: tokens, Seed: 7, IgnoreEOS: r.model != "openai", Stream: true}
}

// leave runs every stage in company, and then the company alone.
func (r *rig) leave(t *testing.T, stages []stage) {
	said := make([]string, r.slots)
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			r.t = t
			c := r.meet(s.filled)
			delays := make([]time.Duration, 0, cancels)
			for i := range cancels {
				if !c.running() { // a slow machine: the stories are told, tell them again
					c.keep(said)
					c = r.meet(s.filled)
				}
				delays = append(delays, r.leaveOnce(s, s.victim(i), c))
			}
			c.keep(said)
			r.judge(s, delays, c)
		})
	}
	r.t = t
	r.undisturbed(said)
}

// judge prints what was measured against the promise: at p99 50 ms, and in llama's decode one step more. The test itself
// holds the promise at p50 and, for machines with other work, four times the promise at p95.
func (r *rig) judge(s stage, delays []time.Duration, c *company) {
	slices.Sort(delays)
	limit, step := 50*time.Millisecond, c.step()
	if r.model == "llama" && s.decodes {
		limit += step
	}
	p50, p99 := delays[len(delays)/2], delays[len(delays)*99/100]
	r.t.Logf("%-6s %-7s client gone → slot free: p50 %6.1f ms, p99 %6.1f ms, of %d (limit %.0f ms; a decode step in company %.1f ms)",
		r.model, s.name, ms(p50), ms(p99), len(delays), ms(limit), ms(step))
	note("gone", "| %s | %s | %.1f | %.1f | %.0f |", r.model, s.name, ms(p50), ms(p99), ms(limit))
	if p95 := delays[len(delays)*95/100]; p50 > limit || p95 > 4*limit {
		r.t.Errorf("%s: p50 %v, p95 %v: want ≤ %v and ≤ %v", s.name, p50, p95, limit, 4*limit)
	}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// leaveOnce sends a victim, waits until it is in its stage, lets its client leave, and says when its slot was free.
func (r *rig) leaveOnce(s stage, victim ask, c *company) time.Duration {
	r.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	begun := make(chan struct{})
	over := make(chan *outcome, 1)
	go func() { over <- send(ctx, newClient(), r.gateways[0].HTTP, victim, func() { close(begun) }) }()
	switch {
	case s.filled:
		procs.Within(r.t, 20*time.Second, "the victim waits in the router", func() bool { return r.queued() == 1 })
	case s.decodes:
		select {
		case <-begun:
		case o := <-over:
			r.t.Fatalf("victim ended before its client left: %v", o)
		case <-time.After(20 * time.Second):
			r.t.Fatal("no first token within 20 s")
		}
	default:
		procs.Within(r.t, 20*time.Second, "the victim runs", func() bool { return r.running() == c.size+1 })
	}
	pause := time.NewTimer(rand.N(20 * time.Millisecond)) // not always at the same place of a step
	<-pause.C
	at := time.Now()
	leave()
	took := r.free(s, victim, c, at)
	if o := <-over; o.finish != "" || !s.decodes && o.chunks > 0 {
		r.t.Fatalf("the victim was not in stage %s: %v", s.name, o)
	}
	return took
}

// free polls until the victim is nowhere any more. Where the upstream's side is known, both must hold.
func (r *rig) free(s stage, victim ask, c *company, at time.Time) time.Duration {
	r.t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for ; time.Since(at) < 10*time.Second; <-poll.C {
		if s.filled {
			if r.queued() == 0 {
				return time.Since(at)
			}
			continue
		}
		if r.gone != nil {
			if closed, ok := r.gone(victim); !ok || closed.Before(at) {
				continue
			}
		}
		if rep := r.status("w"); int(rep.GetHeld()) == c.size && int(rep.GetRunning()) == c.size {
			return time.Since(at)
		}
	}
	r.t.Fatalf("the slot was not free within 10 s: %v", r.status("w"))
	return 0
}

func (r *rig) running() int {
	rep := r.status("w")
	if rep.GetHeld() != rep.GetRunning()+rep.GetWaiting() {
		return -1 // on its way between the two
	}
	return int(rep.GetHeld())
}

func (r *rig) queued() int {
	p := r.pool(r.routers[0], r.model)
	return int(p.GetPartitions()[0].GetQueued())
}

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// cell is one target at one number of sequences, over the rounds.
type cell struct {
	rates []float64 // output tokens/s per round, prefill of the short prompts included
	cpu   []float64 // CPU ms per output token per round, of the server's whole process tree
	gaps  []time.Duration
}

// firsts is one target's times to the first token.
type firsts struct {
	cold, warm []time.Duration
	tokens     int // of the prompt, by the server's count
}

// results is a whole run.
type results struct {
	targets []target
	rates   map[int][]*cell // by number of sequences, then target
	firsts  []*firsts       // by target
	took    time.Duration
	model   string
}

// measure runs the rounds. In each, the targets take turns in a random order with the same prompts.
func measure(ctx context.Context, cfg config, targets []target, progress io.Writer) (*results, error) {
	res := &results{targets: targets, rates: map[int][]*cell{}, firsts: make([]*firsts, len(targets))}
	for _, n := range cfg.sequences {
		for range targets {
			res.rates[n] = append(res.rates[n], &cell{})
		}
	}
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for _, t := range targets { // the first request of a server pays for what is lazy in it
		if _, err := t.complete(ctx, words(r, cfg.prompt), cfg.tokens); err != nil {
			return nil, err
		}
	}
	for round := range cfg.rounds {
		for _, n := range cfg.sequences {
			prompts := make([]string, n)
			for i := range prompts {
				prompts[i] = words(r, cfg.prompt)
			}
			for _, i := range r.Perm(len(targets)) {
				rate, err := res.rates[n][i].add(ctx, targets[i], prompts, cfg.tokens)
				if err != nil {
					return nil, err
				}
				fmt.Fprintf(progress, "round %d/%d, %2d sequences, %-14s %7.1f tokens/s\n", round+1, cfg.rounds, n, targets[i].name, rate)
			}
		}
	}
	return res, res.measureFirsts(ctx, cfg, r, progress)
}

// add measures one round.
func (c *cell) add(ctx context.Context, t target, prompts []string, tokens int) (rate float64, err error) {
	before := cpuTime(t.pid)
	rate, gaps, err := together(ctx, t, prompts, tokens)
	if err != nil {
		return 0, err
	}
	used := cpuTime(t.pid) - before
	c.rates = append(c.rates, rate)
	c.cpu = append(c.cpu, float64(used.Microseconds())/1000/float64(len(prompts)*tokens))
	c.gaps = append(c.gaps, gaps...)
	return rate, nil
}

// together runs one completion per prompt at once and returns the tokens per second of all.
func together(ctx context.Context, t target, prompts []string, tokens int) (float64, []time.Duration, error) {
	answers, errs := make([]answer, len(prompts)), make([]error, len(prompts))
	start := time.Now()
	var wg sync.WaitGroup
	for i, p := range prompts {
		wg.Go(func() { answers[i], errs[i] = t.complete(ctx, p, tokens) })
	}
	wg.Wait()
	end, total := start, 0
	var gaps []time.Duration
	for i, a := range answers {
		if errs[i] != nil {
			return 0, nil, errs[i]
		}
		if a.end.After(end) {
			end = a.end
		}
		total += a.tokens
		gaps = append(gaps, a.gaps...)
	}
	return float64(total) / end.Sub(start).Seconds(), gaps, nil
}

// measureFirsts times a long prompt that nothing of is cached, then another with the same prefix.
func (res *results) measureFirsts(ctx context.Context, cfg config, r *rand.Rand, progress io.Writer) error {
	for i := range res.targets {
		res.firsts[i] = &firsts{}
	}
	for trial := range cfg.trials {
		prefix, first, second := words(r, cfg.prefix), words(r, 13), words(r, 13)
		for _, i := range r.Perm(len(res.targets)) {
			cold, err := res.targets[i].complete(ctx, prefix+first, 2)
			if err != nil {
				return err
			}
			warm, err := res.targets[i].complete(ctx, prefix+second, 2)
			if err != nil {
				return err
			}
			f := res.firsts[i]
			f.cold, f.warm, f.tokens = append(f.cold, cold.ttft), append(f.warm, warm.ttft), warm.prompt
			fmt.Fprintf(progress, "first token %d/%d, %-14s uncached %v, cached %v\n", trial+1, cfg.trials,
				res.targets[i].name, cold.ttft.Round(time.Millisecond), warm.ttft.Round(time.Millisecond))
		}
	}
	return nil
}

// vocabulary is words that common tokenisers keep in one piece.
var vocabulary = strings.Fields(`the of and to in is was for on that with as it by at from are this be or an have not which
	but had his they were her all one there their we has been more when who will would other about some time people into
	only first also its two new after work part world year life day house place school water city`)

// words returns n random words, each with a space before it: prompts that share next to no prefix.
func words(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(' ')
		b.WriteString(vocabulary[r.IntN(len(vocabulary))])
	}
	return b.String()
}

func median[T float64 | time.Duration](values []T) T {
	return quantile(values, 0.5)
}

// quantile interpolates between the neighbours; of nothing it is zero.
func quantile[T float64 | time.Duration](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + T((at-float64(i))*float64(sorted[j]-sorted[i]))
}

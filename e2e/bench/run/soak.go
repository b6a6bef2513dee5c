package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// soakResult is the memory of Leat in one process under a steady load.
type soakResult struct {
	machine machine
	length  time.Duration
	samples []sample
	streams turn
	unary   turn
	foreign float64 // cores that other processes took, on average
}

// sample is the process at one moment.
type sample struct {
	rss        float64 // resident bytes
	goal       float64 // bytes of heap at which the collector runs next
	goroutines float64
	index      float64 // bytes of the router's prefix index
}

// soakRun keeps 100 streams and 200 unary requests/s going and watches the memory.
func (b *bench) soakRun(ctx context.Context) error {
	f, err := b.startFleet(ctx, oneProcess)
	if err != nil {
		return err
	}
	defer f.stop()
	if err := f.pace(ctx, "20ms", "20ms"); err != nil {
		return err
	}
	s := &soakResult{machine: readMachine(ctx, b.Root), length: b.Soak}
	b.say("soak of %s", b.Soak)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- b.soakLoad(ctx, f, s) }()
	tick := time.NewTicker(max(b.Soak/60, time.Second))
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			b.soak = s
			return err
		case <-tick.C:
			now, err := f.target(oneProcess).sample(ctx)
			if err != nil {
				cancel()
				return errors.Join(fmt.Errorf("during the soak: %w", err), <-ended)
			}
			s.samples = append(s.samples, now)
		}
	}
}

// soakLoad runs both kinds of requests for the length of the soak.
func (b *bench) soakLoad(ctx context.Context, f *fleet, s *soakResult) error {
	long := *b
	long.Time = b.Soak
	t := f.target(oneProcess)
	before := readCPU()
	var group sync.WaitGroup
	var streams, unary error
	group.Go(func() {
		s.streams, streams = long.turn(ctx, f, t, "soak-streams", []string{"--concurrency", "100", "--ramp", "1300ms", "--max-tokens", "64"})
	})
	group.Go(func() {
		s.unary, unary = long.turn(ctx, f, t, "soak-unary", []string{"--rps", "200", "--stream=false", "--max-tokens", "16", "--seed", "2"})
	})
	group.Wait()
	busy, _ := readCPU().since(before)
	s.foreign = max(0, busy-s.streams.all()-s.unary.Own.Cores) // either generator has counted the servers
	return errors.Join(streams, unary)
}

// sample reads the memory of the target's gateway, and what it says of itself.
func (t *target) sample(ctx context.Context) (s sample, err error) {
	if s.rss, err = rss(t.gateway.pid()); err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.address+"/metrics", nil)
	if err != nil {
		return s, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "{")
		into := map[string]*float64{"go_memstats_next_gc_bytes": &s.goal, "go_goroutines": &s.goroutines, "leat_router_prefix_index_bytes": &s.index}[name]
		if into == nil {
			continue
		}
		if *into, err = strconv.ParseFloat(value, 64); err != nil {
			return s, fmt.Errorf("read metric %s: %w", name, err)
		}
	}
	return s, lines.Err()
}

// at is the mean of a number around a share of the soak.
func (s *soakResult) at(share float64, number func(sample) float64) float64 {
	const around = 3
	i := min(int(share*float64(len(s.samples))), len(s.samples)-1)
	sum, n := 0.0, 0
	for j := max(0, i-around); j <= min(len(s.samples)-1, i+around); j++ {
		sum, n = sum+number(s.samples[j]), n+1
	}
	return per(sum, float64(n))
}

func (s *soakResult) bar() bar {
	growth := per(s.at(1, sample.resident), s.at(.25, sample.resident)) - 1
	return bar{
		what: fmt.Sprintf("resident memory over the last three quarters of %s", s.length), want: "grows by less than 5 %",
		got: fmt.Sprintf("%+.1f %%", 100*growth), held: len(s.samples) > 0 && growth < .05,
	}
}

func (s sample) resident() float64 { return s.rss / 1e6 }

// soakRows are what the report shows of the samples.
var soakRows = []struct {
	name, format string
	number       func(sample) float64
}{
	{"resident MB", "%.1f", sample.resident},
	{"heap at which the collector runs, MB", "%.1f", func(s sample) float64 { return s.goal / 1e6 }},
	{"prefix index, MB", "%.2f", func(s sample) float64 { return s.index / 1e6 }},
	{"goroutines", "%.0f", func(s sample) float64 { return s.goroutines }},
}

// section is the soak's part of the report. It stands for itself: it may be older or younger than the rest.
func (s *soakResult) section() string {
	var text strings.Builder
	fmt.Fprintf(&text, "## Soak: %s of 100 streams × 50 tokens/s and 200 unary requests/s, one process\n\n", s.length)
	text.WriteString(s.machine.line(s.length))
	fmt.Fprintf(&text, " Other processes took %.2f cores on average.\n\n", s.foreign)
	text.WriteString("| | start | ¼ | ½ | ¾ | end | peak |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, row := range soakRows {
		text.WriteString("| " + row.name + " |")
		for _, share := range []float64{0, .25, .5, .75, 1} {
			fmt.Fprintf(&text, " "+row.format+" |", s.at(share, row.number))
		}
		peak := 0.0
		for _, one := range s.samples {
			peak = max(peak, row.number(one))
		}
		fmt.Fprintf(&text, " "+row.format+" |\n", peak)
	}
	text.WriteString("\n" + barTable([]bar{s.bar()}))
	fmt.Fprintf(&text, "\nStreams: %d answers, %d failed, gap p99 %.1f ms. Unary: %d answers, %d failed, p99 %.2f ms. All prompts differ. A column is the\n"+
		"mean of up to seven of %d samples around its time, the peak is one of them.\n\n", s.streams.OK, s.streams.Failed, s.streams.Gaps.P99,
		s.unary.OK, s.unary.Failed, s.unary.Latency.P99, len(s.samples))
	return text.String()
}

package run

import (
	"fmt"
	"strings"
)

// bar is one requirement with what was measured.
type bar struct {
	what, want, got string
	held            bool
}

// bars are the requirements that this run can judge.
func (b *bench) bars() []bar {
	var list []bar
	add := func(held bool, what, want, got string, args ...any) {
		list = append(list, bar{what: what, want: want, got: fmt.Sprintf(got, args...), held: held})
	}
	for _, v := range []string{oneProcess, separate} {
		if r := b.result("unary 500 rps"); r != nil {
			base, got := r.mid(direct, latencyP50), r.mid(v, latencyP50)
			held, want := got <= base+.3, "≤ direct + 0.30 ms"
			if base > .4 {
				held, want = got <= 2*base, "≤ 2 × direct (direct is above 0.4 ms)"
			}
			add(held, "unary p50 at 500 rps, "+v, want, "direct %.2f ms, through Leat %.2f ms", base, got)
		}
		if r := b.result("closed 64 " + standard); r != nil {
			share := r.ratio(v, requestsPerSecond)
			add(share >= .15, "requests/s at c = 64, "+standard+", "+v, "≥ 15 % of direct", "%.1f %%", 100*share)
		}
		if r := b.result("closed 64 " + light); r != nil {
			share, cost := r.ratio(v, requestsPerSecond), r.mid(v, turn.cpuPerRequest)
			add(share >= .15, "requests/s at c = 64, "+light+", "+v, "≥ 15 % of direct", "%.1f %%", 100*share)
			add(cost <= .3, "CPU per unary request at saturation, "+v, "≤ 0.30 ms", "%.3f ms", cost)
		}
		if r := b.result("streams 1000"); r != nil {
			cost, gap := r.mid(v, turn.cpuPerToken), r.ratio(v, gapP99)
			add(cost <= 15, "CPU per streamed token, 1,000 streams, "+v, "≤ 15 µs", "%.1f µs", cost)
			add(gap < 1.5, "inter-token p99, 1,000 streams × 50 tokens/s, "+v, "< 1.5 × direct", "%.2f ×", gap)
		}
	}
	for _, r := range b.idle {
		add(r.each() <= 40e3, fmt.Sprintf("memory per idle open stream in the gateway, %d streams", r.streams), "≤ 40 kB", "%.1f kB", r.each()/1e3)
	}
	return list
}

// barTable renders bars.
func barTable(bars []bar) string {
	var s strings.Builder
	s.WriteString("| what | bar | measured | held |\n|---|---|---|:---:|\n")
	for _, bar := range bars {
		held := "yes"
		if !bar.held {
			held = "**no**"
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", bar.what, bar.want, bar.got, held)
	}
	return s.String()
}

package run

import (
	"fmt"
	"strings"
	"time"
)

// markdown is the part of the report that one run measures as a whole.
func (b *bench) markdown() string {
	var s strings.Builder
	s.WriteString("# Benchmarks\n\nWritten by `make bench` and `make soak`; not edited by hand.\n\n")
	b.writeMachine(&s)
	if bars := b.bars(); len(bars) > 0 {
		s.WriteString("## Bars\n\n" + barTable(bars) + "\n")
	}
	b.writeUnary(&s)
	b.writeSaturation(&s)
	b.writeStreams(&s)
	b.writeIdle(&s)
	if len(b.profiles) > 0 {
		s.WriteString("## Where the time goes\n\nCPU profiles of Leat in one process. A sample belongs to the first frame, from the leaf up, of a named part; system\n" +
			"calls are those made on its behalf.\n\n" + strings.Join(b.profiles, "\n") + "\n")
	}
	return s.String()
}

func (b *bench) writeMachine(s *strings.Builder) {
	s.WriteString(b.machine.line(time.Since(b.machine.began)))
	if len(b.results) == 0 {
		s.WriteString("\n\n")
		return
	}
	foreign, steal := b.disturbance()
	fmt.Fprintf(s, " Other processes took at most %.2f cores during a turn, the hypervisor withheld at most %.2f.\n", foreign, steal)
	if foreign > .15 {
		s.WriteString("**The machine was not quiet**: trust ratios within a row and CPU costs, not absolute times.\n")
	}
	fmt.Fprintf(s, "\nGenerator (`leat bench`), upstream and all of Leat share these cores. The upstream answers at once from prepared bytes\n"+
		"(`e2e/bench/upstream`). Each target takes %d turns of %s after %s of warm-up, in an order that changes by round; numbers are\n"+
		"medians over the rounds, ratios are formed within a round. CPU is user and system time of all processes of Leat, NATS\n"+
		"included, from `/proc/PID/stat`. *One process* is `leat up`; *separate processes* are router with NATS, gateway and worker\n"+
		"over loopback TCP. Latency counts from the intended time of sending.\n", b.Rounds, b.Time, b.Warmup)
	if b.peer {
		s.WriteString("*nginx* is a plain reverse proxy beside Leat in the same run: kept connections, one worker, no buffering, no access log. It\n" +
			"passes bytes on and does nothing else, so it shows about what the system calls of such a path cost.\n")
	}
	s.WriteString("\n")
}

// targets are the rows of the comparisons.
func (b *bench) targets() []string {
	all := []string{direct, oneProcess, separate}
	if b.peer {
		all = append(all, nginx)
	}
	return all
}

func (b *bench) writeUnary(s *strings.Builder) {
	for _, r := range b.group("unary") {
		fmt.Fprintf(s, "## Unary latency: %s\n\n| target | p50 ms | p99 ms | p50 over direct | CPU ms/request | failed |\n|---|---:|---:|---:|---:|---:|\n", r.scenario.words)
		for _, t := range b.targets() {
			fmt.Fprintf(s, "| %s | %.2f | %.2f | %+.2f ms | %s | %d |\n", t, r.mid(t, latencyP50), r.mid(t, latencyP99),
				r.mid(t, latencyP50)-r.mid(direct, latencyP50), cost(t, "%.3f", r.mid(t, turn.cpuPerRequest)), r.failed(t))
		}
		s.WriteString("\n")
	}
}

// cost leaves the direct call's column empty: no process of ours is on its path.
func cost(target, format string, v float64) string {
	if target == direct {
		return "–"
	}
	return fmt.Sprintf(format, v)
}

func (b *bench) writeSaturation(s *strings.Builder) {
	if len(b.group("saturation")) == 0 {
		return
	}
	s.WriteString("## Saturation: unary requests, closed loop\n\nThe share of the direct call depends on what the generator itself costs, so it is measured with two. With the *light\n" +
		"client* the direct call is as fast as two cores allow; with the *net/http client* it is about as fast as the direct calls\n" +
		"that other gateways are usually compared with (40–47k requests/s on such a machine).\n\n" +
		"| load | target | requests/s | of direct | p50 ms | p99 ms | CPU ms/request | failed |\n|---|---|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range b.group("saturation") {
		for _, t := range b.targets() {
			fmt.Fprintf(s, "| %s | %s | %.0f | %.1f %% | %.2f | %.2f | %s | %d |\n", r.scenario.words, t, r.mid(t, requestsPerSecond),
				100*r.ratio(t, requestsPerSecond), r.mid(t, latencyP50), r.mid(t, latencyP99), cost(t, "%.3f", r.mid(t, turn.cpuPerRequest)), r.failed(t))
		}
	}
	s.WriteString("\n")
}

func (b *bench) writeStreams(s *strings.Builder) {
	if len(b.group("streams")) == 0 {
		return
	}
	s.WriteString("## Streams: 20 ms to the first token, 50 tokens/s each, 64 tokens an answer\n\n" +
		"| streams | target | TTFT p50 ms | gap p50 ms | gap p99 ms | gap p99 of direct | tokens/s | CPU µs/token | failed |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range b.group("streams") {
		for _, t := range b.targets() {
			fmt.Fprintf(s, "| %d | %s | %.1f | %.1f | %.1f | %.2f × | %.0f | %s | %d |\n", r.scenario.streams, t, r.mid(t, ttftP50), r.mid(t, gapP50),
				r.mid(t, gapP99), r.ratio(t, gapP99), r.mid(t, tokensPerSecond), cost(t, "%.1f", r.mid(t, turn.cpuPerToken)), r.failed(t))
		}
	}
	s.WriteString("\n")
}

func (b *bench) writeIdle(s *strings.Builder) {
	if len(b.idle) == 0 {
		return
	}
	s.WriteString("## Idle open streams\n\nResident memory of a fresh gateway process before, and the most of it while every stream has had its first token and waits.\n\n" +
		"| streams | before MB | with them MB | kB a stream |\n|---:|---:|---:|---:|\n")
	for _, r := range b.idle {
		fmt.Fprintf(s, "| %d | %.1f | %.1f | %.1f |\n", r.streams, r.before/1e6, r.after/1e6, r.each()/1e3)
	}
	s.WriteString("\n")
}

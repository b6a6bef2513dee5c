package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText prints the report as a table for a terminal.
func (rep *Report) WriteText(out io.Writer) error {
	var b strings.Builder
	rep.writeHead(&b)
	rep.writeTimes(&b)
	rep.writeErrors(&b)
	rep.writeProcesses(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

// title is one line that says what was run.
func (rep *Report) title() string {
	c := rep.Config
	kind := "one answer"
	if c.Stream {
		kind = "streamed"
	}
	loop := fmt.Sprintf("closed loop, %d in flight", c.Concurrency)
	if rep.Loop == "open" {
		loop = fmt.Sprintf("open loop, %g requests/s, %s", c.RPS, c.Arrivals)
	}
	return fmt.Sprintf("%s (%s, %s): %s, %.1f s", c.URL, c.Endpoint, kind, loop, rep.Window)
}

func (rep *Report) writeHead(b *strings.Builder) {
	fmt.Fprintln(b, rep.title())
	if rep.Interrupted {
		fmt.Fprintln(b, "interrupted: what was measured so far")
	}
	fmt.Fprintf(b, "\nrequests    %d sent, %d ok, %d failed, %d truncated, %d with an error event", rep.Sent, rep.OK, rep.Failed,
		rep.Truncated, rep.ErrorEvents)
	if rep.Unfinished > 0 {
		fmt.Fprintf(b, ", %d unfinished", rep.Unfinished)
	}
	fmt.Fprintf(b, "\nthroughput  %.1f requests/s, %.1f output tokens/s\n", rep.RequestsPerSecond, rep.OutputTokensPerSecond)
	fmt.Fprintf(b, "tokens      %d prompt (%d cached), %d output\n", rep.Tokens.Prompt, rep.Tokens.Cached, rep.Tokens.Output)
	if s := rep.Config.SLO; s != (SLO{}) {
		fmt.Fprintf(b, "goodput     %.1f requests/s, %.2f %% of the sent, under %s\n", rep.Goodput.RequestsPerSecond,
			100*rep.Goodput.Share, s)
	}
}

// String spells the bounds.
func (s SLO) String() string {
	var parts []string
	for _, bound := range []struct {
		name string
		d    time.Duration
	}{{"TTFT", s.TTFT}, {"TPOT", s.TPOT}, {"end to end", s.E2E}} {
		if bound.d > 0 {
			parts = append(parts, bound.name+" ≤ "+bound.d.String())
		}
	}
	return strings.Join(parts, ", ")
}

// rows are the distributions that the report shows, in order, with the words for them.
func (rep *Report) rows() []namedQuantiles {
	rows := []namedQuantiles{{"latency", rep.Latency}}
	if rep.Config.Stream {
		rows = append(rows, namedQuantiles{"time to first token", rep.TTFT},
			namedQuantiles{"time per output token", rep.TPOT}, namedQuantiles{"inter-token gap", rep.Gaps})
	}
	rows = append(rows, namedQuantiles{"service time", rep.ServiceTime})
	if rep.Loop == "open" {
		rows = append(rows, namedQuantiles{"send lag", rep.SendLag})
	}
	return rows
}

type namedQuantiles struct {
	Name string
	Quantiles
}

func (rep *Report) writeTimes(b *strings.Builder) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nms\tp50\tp90\tp95\tp99\tp99.9\tmax\tmean\tcount\t")
	for _, row := range rep.rows() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", row.Name, number(row.P50), number(row.P90), number(row.P95),
			number(row.P99), number(row.P999), number(row.Max), number(row.Mean), row.Count)
	}
	_ = table.Flush() // a strings.Builder takes everything
}

func (rep *Report) writeErrors(b *strings.Builder) {
	if len(rep.Errors) == 0 {
		return
	}
	fmt.Fprintln(b, "\nfailures")
	for _, e := range rep.Errors {
		fmt.Fprintf(b, "  %8d  %s: %s\n", e.Count, e.name(), e.Example)
	}
	if r := rep.Refusals; r.Count > 0 {
		fmt.Fprintf(b, "  %d of %d refusals (429) had Retry-After, at most %d s\n", r.WithRetryAfter, r.Count, r.MaxRetryAfter)
	}
}

func (e ErrorCount) name() string {
	name := e.Class
	if e.Status != 0 {
		name = fmt.Sprintf("%s %d", name, e.Status)
	}
	if e.Code != "" {
		name += " " + e.Code
	}
	return name
}

func (rep *Report) writeProcesses(b *strings.Builder) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nprocess\tpid\tcores\tCPU s\tRSS start MB\tend\tmax\t")
	for _, p := range append(rep.Processes[:len(rep.Processes):len(rep.Processes)], rep.Own) {
		if p.Error != "" {
			fmt.Fprintf(table, "%s\t%d\t%s\t\n", p.Name, p.PID, p.Error)
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%.2f\t%.2f\t%.1f\t%.1f\t%.1f\t\n", p.Name, p.PID, p.Cores, p.CPUSeconds,
			megabytes(p.RSSStart), megabytes(p.RSSEnd), megabytes(p.RSSMax))
	}
	_ = table.Flush()
	if len(rep.Processes) > 0 {
		fmt.Fprintf(b, "CPU of the named processes: %.3f ms a request, %.1f µs an output token\n", rep.CPUPerRequest, rep.CPUPerToken)
	}
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// number prints milliseconds with three digits that matter.
func number(ms float64) string {
	switch {
	case ms == 0:
		return "0"
	case ms < 10:
		return fmt.Sprintf("%.3f", ms)
	case ms < 100:
		return fmt.Sprintf("%.2f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

// short prints a duration with three digits or so.
func short(d time.Duration) string { return number(milliseconds(d)) + " ms" }

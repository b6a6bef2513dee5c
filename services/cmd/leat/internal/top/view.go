package top

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-runewidth"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// View is how a frame is drawn.
type View struct {
	// Source is where the reports come from, for the first line.
	Source string
	// Order is what workers are sorted by.
	Order Order
	// Width and Height of the terminal; what does not fit is cut off, and rows that are cut are counted. 0: no limit.
	Width, Height int
	// Keys adds a line that says what keys do.
	Keys bool
}

// Frame draws the fleet at a time. It ends with a line break.
func (v View) Frame(f *Fleet, now time.Time) string {
	pools, all := f.pools(now)
	lines := []string{
		fmt.Sprintf("leat top  %s  %s", now.Format(time.TimeOnly), v.Source),
		fmt.Sprintf("%d of %d workers ready, %d running, %d waiting, %s tok/s out, %s tok/s in", all.ready, all.workers, all.running, all.waiting,
			rate(all.rates, all.rates.out), rate(all.rates, all.rates.in)),
	}
	if v.Keys {
		lines = append(lines, fmt.Sprintf("sorted by %s (s: another), q: quit", v.Order))
	}
	workers := f.sorted(v.Order, now)
	if len(pools) == 0 {
		return v.fit(append(lines, "", "no worker reports: start one with `leat worker --nats URL`, or see whether this is its NATS"))
	}
	lines = append(lines, "")
	lines = append(lines, table(func(w io.Writer) { f.poolRows(w, pools) })...)
	if len(workers) > 0 {
		lines = append(lines, "")
		lines = append(lines, table(func(w io.Writer) { workerRows(w, workers, now) })...)
	}
	if gpus := table(func(w io.Writer) { gpuRows(w, workers, now) }); len(gpus) > 1 {
		lines = append(append(lines, ""), gpus...)
	}
	return v.fit(lines)
}

// table lays out rows of cells that are separated by tabs.
func table(rows func(io.Writer)) []string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	rows(w)
	_ = w.Flush() // a strings.Builder takes everything
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func (f *Fleet) poolRows(w io.Writer, pools []*pool) {
	fmt.Fprintln(w, "POOL\tREADY\tSLOTS\tRUNNING\tWAITING\tQUEUED\tOUT TOK/S\tIN TOK/S\tCACHED\tWANTED\tSCALING")
	for _, p := range pools {
		queued, wanted, why := "-", "-", "-"
		told := f.told[p.name]
		if f.told != nil {
			queued = fmt.Sprint(told.Queued)
		}
		if d := told.Scaling; d != nil {
			wanted, why = fmt.Sprint(d.GetDesired()), Verdict(d)+": "+Reason(d)
		}
		cached := "-"
		if p.rates.in > 0 {
			cached = fmt.Sprintf("%.0f %%", 100*p.rates.cached/p.rates.in)
		}
		fmt.Fprintf(w, "%s\t%d/%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", p.name, p.ready, p.workers, p.slots, p.running, p.waiting, queued,
			rate(p.rates, p.rates.out), rate(p.rates, p.rates.in), cached, wanted, why)
	}
}

func workerRows(w io.Writer, workers []*worker, now time.Time) {
	fmt.Fprintln(w, "WORKER\tPOOL\tSTATE\tENGINE\tSLOTS\tRUNNING\tWAITING\tKV\tOUT TOK/S\tIN TOK/S\tSTEPS/S\tNOTE")
	for _, x := range workers {
		r := x.last
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t", r.GetWorker(), r.GetPool(), x.state(now), r.GetEngine())
		if !x.here(now) { // its numbers are no more
			fmt.Fprintf(w, "-\t-\t-\t-\t-\t-\t-\tlast heard %s ago\n", now.Sub(x.seen()).Round(time.Second))
			continue
		}
		s := x.rates()
		fmt.Fprintf(w, "%d\t%d\t%d\t%.0f %%\t%s\t%s\t%s\t%s\n", r.GetSlots(), r.GetRunning(), r.GetWaiting(), 100*r.GetKvUse(),
			rate(s, s.out), rate(s, s.in), rate(s, s.steps), r.GetStateNote())
	}
}

func gpuRows(w io.Writer, workers []*worker, now time.Time) {
	fmt.Fprintln(w, "WORKER\tGPU\tUSE\tMEMORY\tTEMPERATURE\tPOWER\tNAME")
	for _, x := range workers {
		if !x.here(now) {
			continue
		}
		for _, g := range x.last.GetGpus() {
			gpuRow(w, x.last.GetWorker(), g)
		}
	}
}

func gpuRow(w io.Writer, worker string, g *inferv1.Gpu) {
	if g.GetFault() != "" {
		fmt.Fprintf(w, "%s\t%d\t-\t-\t-\t-\t%s, lost: %s\n", worker, g.GetIndex(), g.GetName(), g.GetFault())
		return
	}
	use := "-"
	if g.Utilization != nil {
		use = bar(g.GetUtilization()) + fmt.Sprintf(" %.0f %%", 100*g.GetUtilization())
	}
	fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", worker, g.GetIndex(), use, memory(g.GetMemoryUsed(), g.GetMemoryTotal()), known(g.Temperature, "°C"),
		known(g.Power, "W"), g.GetName())
	for _, m := range g.GetMigDevices() {
		fmt.Fprintf(w, "%s\t%d/%d\t-\t%s\t-\t-\tMIG %s\n", worker, g.GetIndex(), m.GetGpuInstance(), memory(m.GetMemoryUsed(), m.GetMemoryTotal()), m.GetProfile())
	}
}

// bar is a share as ten characters.
func bar(share float64) string {
	n := int(10*min(max(share, 0), 1) + 0.5)
	return strings.Repeat("█", n) + strings.Repeat("░", 10-n)
}

func memory(used, total uint64) string {
	const gib = 1 << 30
	if total == 0 {
		return fmt.Sprintf("%.1f GiB", float64(used)/gib)
	}
	return fmt.Sprintf("%.1f of %.1f GiB", float64(used)/gib, float64(total)/gib)
}

func known(v *float64, unit string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f %s", *v, unit)
}

// rate is a number of s, or a dash where no two reports tell it.
func rate(s rates, v float64) string {
	if !s.known {
		return "-"
	}
	return fmt.Sprintf("%.0f", v)
}

// fit cuts lines to the width, and the last of them to the height.
func (v View) fit(lines []string) string {
	if v.Height > 1 && len(lines) > v.Height {
		cut := len(lines) - v.Height + 1
		lines = append(lines[:v.Height-1:v.Height-1], fmt.Sprintf("… %d more lines: make the window higher", cut))
	}
	var b strings.Builder
	for _, l := range lines {
		l = strings.TrimRight(l, " ")
		if v.Width > 0 {
			l = runewidth.Truncate(l, v.Width, "…")
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

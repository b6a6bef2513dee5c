package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// showGPUs prints the GPUs of the workers that still report; nothing where there are none.
func showGPUs(out io.Writer, workers []*routerv1.Worker) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	rows := 0
	for _, m := range workers {
		if s := stateOf(m); s == "lost" || s == "gone" {
			continue
		}
		for _, g := range m.GetReport().GetGpus() {
			if rows++; rows == 1 {
				fmt.Fprintln(w, "  WORKER\tGPU\tUSE\tMEMORY\tTEMPERATURE\tPOWER\tNAME")
			}
			showGPU(w, m.GetReport().GetWorker(), g)
		}
	}
	return w.Flush()
}

func showGPU(w io.Writer, worker string, g *inferv1.Gpu) {
	if g.GetFault() != "" {
		fmt.Fprintf(w, "  %s\t%d\t-\t-\t-\t-\t%s, lost: %s\n", worker, g.GetIndex(), g.GetName(), g.GetFault())
		return
	}
	use := g.Utilization
	if use != nil {
		use = new(100 * *use)
	}
	fmt.Fprintf(w, "  %s\t%d\t%s\t%s\t%s\t%s\t%s\n", worker, g.GetIndex(), quantity(use, "%"), memory(g.GetMemoryUsed(), g.GetMemoryTotal()),
		quantity(g.Temperature, "°C"), quantity(g.Power, "W"), g.GetName())
	for _, m := range g.GetMigDevices() {
		fmt.Fprintf(w, "  %s\t%d/%d\t-\t%s\t-\t-\tMIG %s\n", worker, g.GetIndex(), m.GetGpuInstance(), memory(m.GetMemoryUsed(), m.GetMemoryTotal()), m.GetProfile())
	}
}

// quantity is a number with its unit, or a dash where it is unknown.
func quantity(v *float64, unit string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f %s", *v, unit)
}

func memory(used, total uint64) string {
	if total == 0 {
		return "-"
	}
	const gib = 1 << 30
	return fmt.Sprintf("%.1f/%.1f GiB", float64(used)/gib, float64(total)/gib)
}

package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// markdown renders the run. The first target is the yardstick of every ratio.
func (res *results) markdown(cfg config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### The llama engine against %s\n\n", res.targets[0].name)
	fmt.Fprintf(&b, "%s, %d CPUs (%s), %s. Model %s; %d compute thread(s), %d slots of %d tokens each; "+
		"%d rounds in turns, %d-word prompts, %d greedy tokens each; the run took %s. "+
		"Every server stayed up throughout. Ratios are taken within a round; absolute numbers hold for this machine at this hour only; "+
		"CPU time is that of a server with all its child processes and depends little on what else the machine does.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), cpuModel(), runtime.GOOS+"/"+runtime.GOARCH, res.model,
		cfg.threads, cfg.slots, cfg.context, cfg.rounds, cfg.prompt, cfg.tokens, res.took.Round(time.Second))
	res.rateTable(&b, cfg)
	res.firstTable(&b)
	return b.String()
}

func (res *results) rateTable(b *strings.Builder, cfg config) {
	base := res.targets[0].name
	fmt.Fprintf(b, "| sequences | server | tokens/s (median) | of %s: median (lowest – highest round) | CPU ms/token (median) | tokens per CPU second, of %s | gap p50 | gap p99 |\n", base, base)
	b.WriteString("|---:|---|---:|---:|---:|---:|---:|---:|\n")
	for _, n := range cfg.sequences {
		for i, t := range res.targets {
			c, yard := res.rates[n][i], res.rates[n][0]
			fmt.Fprintf(b, "| %d | %s | %.1f | %s | %.2f | %s | %s | %s |\n", n, t.name, median(c.rates), spread(c.rates, yard.rates),
				median(c.cpu), spread(yard.cpu, c.cpu), ms(quantile(c.gaps, 0.5)), ms(quantile(c.gaps, 0.99)))
		}
	}
	b.WriteByte('\n')
}

func (res *results) firstTable(b *strings.Builder) {
	if len(res.firsts[0].cold) == 0 {
		return
	}
	b.WriteString("| server | prompt tokens | first token, uncached (median) | first token, prefix cached (median) | cached of uncached |\n")
	b.WriteString("|---|---:|---:|---:|---:|\n")
	for i, t := range res.targets {
		f := res.firsts[i]
		cold, warm := median(f.cold), median(f.warm)
		fmt.Fprintf(b, "| %s | %d | %s | %s | %.1f %% |\n", t.name, f.tokens, ms(cold), ms(warm), 100*float64(warm)/float64(cold))
	}
	b.WriteByte('\n')
}

// spread renders the ratios of the rounds; without CPU times (a server that runs elsewhere) it is a dash.
func spread(of, by []float64) string {
	r := ratios(of, by)
	if math.IsNaN(median(r)) || math.IsInf(median(r), 0) {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f – %.2f)", median(r), slices.Min(r), slices.Max(r))
}

// ratios divides round by round.
func ratios(of, by []float64) []float64 {
	out := make([]float64, len(of))
	for i := range of {
		out[i] = of[i] / by[i]
	}
	return out
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// cpuModel is the processor's name where the system tells it.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const heading = "## Expectations: Leat, Great Expectations and polars"

// bandwidth is what one core reads and copies, in bytes a second, far beyond its caches.
type bandwidth struct {
	Read float64 `json:"read"`
	Copy float64 `json:"copy"`
}

// section is the page's.
func section(o *options, all []*contest, speed *bandwidth) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	load, _ := os.ReadFile("/proc/loadavg")
	say("%s\n", heading)
	say("%s UTC, %s, load average at the end %s. Written by `make bench-data`: every process on the first core, %d turns, of each the one of least CPU time.\n",
		time.Now().UTC().Format("2006-01-02 15:04"), model(), strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], ", "), o.rounds)
	say("The table has 14 columns and is held against 26 expectations. Documentation is real: the manuals of %d packages of Debian, cut at paragraphs into %d texts of about 2,800 characters;", manuals(o.here), all[1].ours.Rows)
	say("prose is made up of common words, without a digit. Both have seven columns beside the text and are held against 22 expectations, two thirds of them patterns that are looked for in the text;")
	say("all by SUMMARY results, which are equal field by field between Leat and Great Expectations 1.24.1 on pandas. The polars figures are the same counts written by hand, without lists of")
	say("examples, the fastest of three in a process that has warmed up; Leat and Great Expectations run once in a process, so that first touches of memory count. Rows lie in memory as Arrow or")
	say("pandas before the clock starts; *streamed* is Leat reading the Parquet file as it goes, which the others do not.\n")
	say("Bars are judged by CPU seconds. A run of Leat is shorter than the turns in which the kernel divides a core that others want too, one of Great Expectations is not, so that on a busy machine")
	say("wall time says more for Leat than is true.\n")
	say("| input | by | rows/s of wall time | rows/CPU s | MB/CPU s of Arrow | CPU s | peak memory MB | × Great Expectations, CPU | wall |")
	say("|---|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, c := range all {
		for _, row := range []struct {
			name string
			s    *sample
		}{{"Leat", c.ours}, {"Leat, streamed", c.streamed}, {"polars, by hand", c.polars}, {"Great Expectations", c.great}} {
			say("| %s | %s | %.3g M | %.3g M | %.0f | %.3f | %d | %.1f | %.1f |", c.title, row.name, float64(row.s.Rows)/row.s.Wall/1e6, float64(row.s.Rows)/row.s.CPU/1e6,
				float64(c.ours.Bytes)/row.s.CPU/1e6, row.s.CPU, row.s.Peak/1e6, c.great.CPU/row.s.CPU, c.great.Wall/row.s.Wall)
		}
	}
	say("\n| what | bar | measured | held |\n|---|---|---|:---:|")
	for _, c := range all {
		ratio := c.great.CPU / c.ours.CPU
		say("| %s: Leat over Great Expectations | ≥ %.0f × | %.1f × | %s |", c.title, c.bar, ratio, held(ratio >= c.bar))
		say("| %s: Leat over polars by hand | ≥ 1 × | %.2f × | %s |", c.title, c.polars.CPU/c.ours.CPU, held(c.polars.CPU >= c.ours.CPU))
		part := float64(c.streamed.Peak) / float64(c.great.Peak)
		say("| %s: peak memory, streamed, of Great Expectations' | ≤ 0.2 | %.2f | %s |", c.title, part, held(part <= .2))
	}
	say("\nRoofline: one core reads %.1f GB/s and copies %.1f GB/s beyond its caches, by CPU time. Reading every byte of Arrow once would take", speed.Read/1e9, speed.Copy/1e9)
	for _, c := range all {
		least := float64(c.ours.Bytes) / speed.Read
		say("%.1f ms for the %s (%d MB), which takes %.0f ms of CPU: %.1f %% of the bandwidth.", 1e3*least, c.title, c.ours.Bytes/1e6, 1e3*c.ours.CPU, 100*least/c.ours.CPU)
	}
	for _, c := range all {
		say("\nWhere the time goes, %s:\n\n```\n%s```", c.title, flat(c.profile))
	}
	return b.String()
}

// manuals is how many packages install.sh fetches.
func manuals(here string) int {
	script, _ := os.ReadFile(filepath.Join(here, "install.sh"))
	_, list, _ := strings.Cut(string(script), "manuals=\"")
	list, _, _ = strings.Cut(list, "\"")
	return len(strings.Fields(list))
}

func held(ok bool) string {
	if ok {
		return "yes"
	}
	return "**no**"
}

// flat is the lines of a profile from its head on, with short names.
func flat(profile string) string {
	_, table, _ := strings.Cut(profile, "      flat ")
	lines := strings.Split("      flat "+table, "\n")
	var b strings.Builder
	for _, l := range lines {
		if l = strings.ReplaceAll(l, "github.com/leathq/leat/services/validator/internal/", ""); strings.TrimSpace(l) != "" {
			b.WriteString(strings.ReplaceAll(l, "github.com/leathq/leat/", "") + "\n")
		}
	}
	return b.String()
}

func model() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t: "))
		}
	}
	return runtime.GOARCH
}

// publish puts the section in the place of the one that is there, or at the page's end.
func publish(page, section string) error {
	if page == "" {
		_, err := fmt.Println(section)
		return err
	}
	data, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(data), heading)
	after := ""
	if found {
		if i := strings.Index(rest, "\n## "); i >= 0 {
			after = rest[i:]
		}
	}
	return os.WriteFile(page, []byte(strings.TrimRight(before, "\n")+"\n\n"+strings.TrimRight(section, "\n")+"\n"+after), 0o600)
}

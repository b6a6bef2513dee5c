// Command databench holds the same rows against the same suites by Leat, by Great Expectations and by hand in polars, each on one core and in a process of its own, in turns;
// compares what they found; and writes the section of docs/benchmarks.md on it (make bench-data).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
)

// options say what is measured.
type options struct {
	here, python, dir, page, manuals string
	rows, documents, rounds          int
}

func main() {
	var o options
	flag.StringVar(&o.here, "here", "e2e/databench", "this `FOLDER`")
	flag.StringVar(&o.python, "python", "", "`PROGRAM` of an environment with requirements.txt (install.sh makes it)")
	flag.StringVar(&o.dir, "dir", "", "`FOLDER` for the inputs")
	flag.StringVar(&o.page, "o", "", "Markdown `FILE` whose section is written; empty: print it")
	flag.StringVar(&o.manuals, "manuals", "", "`FOLDER` of documentation (install.sh makes it)")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of the table")
	flag.IntVar(&o.documents, "documents", 40_000, "documents of prose that is made up")
	flag.IntVar(&o.rounds, "rounds", 3, "turns; the one of least CPU time counts")
	flag.Parse()
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, "databench:", err)
		os.Exit(1)
	}
}

// sample is what a process says of its run.
type sample struct {
	Rows   int64          `json:"rows"`
	Bytes  int64          `json:"bytes"`
	Wall   float64        `json:"wall"`
	CPU    float64        `json:"cpu"`
	Data   int64          `json:"data"`
	Peak   int64          `json:"peak"`
	Found  []any          `json:"found"`
	Counts map[string]any `json:"counts"`
}

// contest is an input with what each did with it.
type contest struct {
	name, title, suite            string
	bar                           float64 // times Great Expectations'
	args                          []string
	ours, streamed, great, polars *sample
	profile                       string
}

func run(o *options) error {
	if err := os.MkdirAll(o.dir, 0o750); err != nil {
		return err
	}
	program := filepath.Join(o.dir, "ours")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "./"+filepath.Join(o.here, "ours")).CombinedOutput(); err != nil { //nolint:gosec // our own program
		return fmt.Errorf("build our side: %w\n%s", err, out)
	}
	var all []*contest
	for _, c := range []*contest{
		{name: "table", title: "table", suite: "table", bar: 50, args: []string{fmt.Sprint(o.rows)}},
		{name: "documentation", title: "documentation", suite: "documents", bar: 100, args: []string{"1000000", o.manuals}},
		{name: "prose", title: "made-up prose", suite: "documents", bar: 100, args: []string{fmt.Sprint(o.documents)}},
	} {
		if err := o.hold(c, program); err != nil {
			return err
		}
		all = append(all, c)
	}
	var speed bandwidth
	if err := measure(&speed, program, "-bandwidth"); err != nil {
		return err
	}
	return publish(o.page, section(o, all, &speed))
}

// hold has everybody do an input, in turns.
func (o *options) hold(c *contest, program string) error {
	data, suite := filepath.Join(o.dir, c.name), filepath.Join(o.here, c.suite+".json")
	write := append([]string{filepath.Join(o.here, "data.py"), c.name, data}, c.args...)
	if out, err := exec.CommandContext(context.Background(), o.python, write...).CombinedOutput(); err != nil { //nolint:gosec // our own program
		return fmt.Errorf("write the input: %w\n%s", err, out)
	}
	profile := data + ".prof"
	for range o.rounds {
		for _, turn := range []struct {
			of   **sample
			args []string
		}{
			{&c.ours, []string{program, data, suite}},
			{&c.streamed, []string{program, "-stream", data, suite}},
			{&c.great, []string{o.python, filepath.Join(o.here, "gx.py"), data, suite}},
			{&c.polars, []string{o.python, filepath.Join(o.here, "pl.py"), c.suite, data}},
		} {
			s := &sample{}
			if err := measure(s, turn.args...); err != nil {
				return err
			}
			if *turn.of == nil || s.CPU < (*turn.of).CPU {
				*turn.of = s
			}
		}
	}
	if !reflect.DeepEqual(c.ours.Found, c.great.Found) || !reflect.DeepEqual(c.streamed.Found, c.great.Found) {
		return fmt.Errorf("%s: Leat and Great Expectations found different things", c.name)
	}
	if err := measure(&sample{}, program, "-times", "10", "-profile", profile, data, suite); err != nil {
		return err
	}
	top, err := exec.CommandContext(context.Background(), "go", "tool", "pprof", "-top", "-nodecount", "12", program, profile).Output() //nolint:gosec // our own program
	c.profile = string(top)
	return err
}

// measure runs a program on the first core and reads the JSON that it prints.
func measure(into any, args ...string) error {
	cmd := exec.CommandContext(context.Background(), "taskset", append([]string{"-c", "0"}, args...)...) //nolint:gosec // our own programs
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "POLARS_MAX_THREADS=1", "GOMAXPROCS=1")
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, failed.Stderr)
		}
		return err
	}
	return json.Unmarshal(out, into)
}

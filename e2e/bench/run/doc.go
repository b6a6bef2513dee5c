// Package run measures Leat against the direct call, in one run on one machine, and writes docs/benchmarks.md.
//
// It builds `leat` and the instant upstream, starts them as real processes (all of Leat in one process, and as separate
// processes over loopback TCP), and drives them with `leat bench`. Targets take turns within every round, and ratios are
// formed within a round, so that a machine which changes its speed changes both sides. What other processes took of the
// CPU meanwhile is measured and reported, because it decides whether absolute numbers mean anything.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options of a run.
type Options struct {
	Root    string        // the repository
	Leat    string        // a leat binary; empty: built from Root
	Output  string        // the Markdown file; empty: docs/benchmarks.md below Root
	Rounds  int           // how often each target takes its turn
	Time    time.Duration // measured time of one turn
	Warmup  time.Duration // before it
	Soak    time.Duration // length of the soak; zero: none
	Only    []string      // scenarios; empty: all that the other options ask for
	Work    string        // directory for binaries, logs and raw reports; empty: a temporary one, removed after success
	Compare bool          // the llama engine against llama-server, where one is there
	Log     io.Writer     // progress
}

// Scenarios are what Only may name, in the order in which they run.
var Scenarios = []string{"unary", "saturation", "streams", "idle", "profile", "soak", "llama"}

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	for _, name := range o.Only {
		if !slices.Contains(Scenarios, name) {
			return fmt.Errorf("scenario %q is unknown: use %s", name, strings.Join(Scenarios, ", "))
		}
	}
	if slices.Contains(o.Only, "soak") && o.Soak == 0 {
		return fmt.Errorf("a soak needs a length: give -soak 10m too")
	}
	if o.Rounds < 1 || o.Time <= 0 || o.Warmup < 0 || o.Soak < 0 {
		return fmt.Errorf("rounds and time must be positive, warm-up and soak not negative")
	}
	return nil
}

func (o Options) wants(scenario string) bool {
	switch {
	case scenario == "soak" && o.Soak == 0, scenario == "llama" && !o.Compare:
		return false
	}
	return len(o.Only) == 0 || slices.Contains(o.Only, scenario)
}

// Run measures and writes the report. It returns an error where something could not be measured; missed bars are only
// in the report.
func Run(ctx context.Context, o Options) (err error) {
	if err := o.Validate(); err != nil {
		return err
	}
	if o.Output == "" {
		o.Output = filepath.Join(o.Root, "docs", "benchmarks.md")
	}
	if o.Work == "" {
		if o.Work, err = os.MkdirTemp("", "leatbench-"); err != nil {
			return fmt.Errorf("make work directory: %w", err)
		}
		defer func() {
			if err == nil {
				_ = os.RemoveAll(o.Work) // a leftover in the temporary directory does no harm
			} else {
				fmt.Fprintf(o.Log, "logs and raw reports are in %s\n", o.Work)
			}
		}()
	}
	b := &bench{Options: o, machine: readMachine(ctx, o.Root)}
	if err := b.build(ctx); err != nil {
		return err
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	old, err := os.ReadFile(o.Output)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the last report: %w", err)
	}
	if err := os.WriteFile(o.Output, []byte(b.page(string(old))), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// bench is one run and what it has found so far.
type bench struct {
	Options
	leat     string
	upstream string
	machine  machine
	results  []result
	profiles []string
	idle     []idleResult
	soak     *soakResult
	llama    string
	peer     bool // nginx was measured too
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.Log, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// measure runs the scenarios.
func (b *bench) measure(ctx context.Context) error {
	if err := b.onFleets(ctx); err != nil {
		return err
	}
	for _, s := range []struct {
		name string
		run  func(context.Context) error
	}{{"idle", b.idleStreams}, {"soak", b.soakRun}, {"llama", b.llamaRun}} {
		if !b.wants(s.name) {
			continue
		}
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// onFleets runs the scenarios that compare all targets.
func (b *bench) onFleets(ctx context.Context) error {
	if !b.wants("unary") && !b.wants("saturation") && !b.wants("streams") && !b.wants("profile") {
		return nil
	}
	f, err := b.startFleet(ctx, oneProcess, separate)
	if err != nil {
		return err
	}
	defer f.stop()
	if b.peer, err = b.startNginx(ctx, f); err != nil {
		return err
	}
	for _, s := range b.scenarios() {
		if !b.wants(s.group) {
			continue
		}
		if err := b.compare(ctx, f, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if b.wants("profile") {
		return b.takeProfiles(ctx, f)
	}
	return nil
}

// Package llama runs a GGUF model with llama.cpp in a child process of the worker and implements engine.Engine.
//
// This side starts, watches and restarts the child, and moves requests and deltas over a socket; everything native is
// in package child. It talks to no bus and fetches no files.
package llama

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// Config says what to serve and how. The zero value of every field but Model and LibDir is usable.
type Config struct {
	Model    string    // GGUF file
	Name     string    // the name that clients use; default: the file's name without .gguf
	LibDir   string    // directory of libllama and its back-ends
	CacheDir string    // where model digests are remembered between starts; default: digests in LEAT_CACHE, else leat/digests in the user's cache
	Threads  int       // compute threads; default: CPUs − 1, at least 1
	CPUs     []int     // pin the compute threads to these CPUs (Linux); default: not pinned
	Slots    int       // sequences that run at once; default 8
	Context  int       // tokens a sequence may hold, prompt and output; default 2048
	Chunk    int       // most prompt tokens of a turn; fewer while sequences run (README, Scheduling); default 128
	Schedule string    // exact (default) or fast
	Env      []string  // variables, NAME=VALUE, for the child over this process's own
	Adapters []Adapter // to load at the start; LoadAdapter adds others
	// AdapterSlots is how many sequences one adapter runs at once; default 4, at most Slots. AdapterContexts is how many adapters
	// run at once; the sequences of others wait until one is idle. Default 4. Each holds a KV cache of AdapterSlots × Context.
	AdapterSlots, AdapterContexts int
	// CheckTensors reads all weights at load and refuses broken ones.
	CheckTensors bool
	// StartTimeout bounds loading; default 5 min. StepTimeout is how long one native call may take before the child
	// counts as hung and is killed; default 2 min.
	StartTimeout, StepTimeout time.Duration
	// PingTimeout is how long a child may leave pings unanswered before it is killed; default 10 s.
	PingTimeout time.Duration
	// RestartMin and RestartMax bound the wait before the child is started again; it doubles with every crash within
	// a minute. Defaults 250 ms and 30 s.
	RestartMin, RestartMax time.Duration
	// Rules replaces the calls that Schedule stands for. It is for tests that must see the self-test fail.
	Rules *wire.Schedule
}

// withDefaults fills in what is not given.
func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = strings.TrimSuffix(filepath.Base(c.Model), ".gguf")
	}
	if c.CacheDir == "" {
		c.CacheDir = digests()
	}
	if c.Schedule == "" {
		c.Schedule = "exact"
	}
	setDefault(&c.Threads, max(runtime.GOMAXPROCS(0)-1, 1))
	setDefault(&c.Slots, 8)
	setDefault(&c.Context, 2048)
	setDefault(&c.Chunk, 128)
	setDefault(&c.AdapterSlots, 4)
	c.AdapterSlots = min(c.AdapterSlots, c.Slots)
	setDefault(&c.AdapterContexts, 4)
	setDefault(&c.StartTimeout, 5*time.Minute)
	setDefault(&c.StepTimeout, 2*time.Minute)
	setDefault(&c.PingTimeout, 10*time.Second)
	setDefault(&c.RestartMin, 250*time.Millisecond)
	setDefault(&c.RestartMax, 30*time.Second)
	return c
}

// digests lies beside what leat fetches; empty where there is no cache.
func digests() string {
	if dir := os.Getenv("LEAT_CACHE"); dir != "" {
		return filepath.Join(dir, "digests")
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "leat", "digests")
	}
	return ""
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Validate tells what is wrong with a configuration, before any process is started.
func (c Config) Validate() error {
	d := c.withDefaults()
	switch {
	case c.Model == "":
		return fmt.Errorf("no model: name a GGUF file")
	case c.LibDir == "":
		return fmt.Errorf("no llama.cpp library: name its directory with --engine-lib")
	case d.Schedule != "exact" && d.Schedule != "fast":
		return fmt.Errorf("schedule %q is unknown: use exact or fast", d.Schedule)
	case d.Threads < 1 || d.Threads > 512:
		return fmt.Errorf("threads is %d; it must lie between 1 and 512", d.Threads)
	case d.Slots < 1 || d.Slots > 256:
		return fmt.Errorf("slots is %d; it must lie between 1 and 256", d.Slots)
	case d.Context < 16:
		return fmt.Errorf("context is %d tokens; it must be at least 16", d.Context)
	case d.Chunk < 4 || d.Chunk > 4096:
		return fmt.Errorf("chunk is %d tokens; it must lie between 4 and 4096", d.Chunk)
	case d.RestartMin < 0 || d.RestartMax < d.RestartMin || d.StartTimeout < 0 || d.StepTimeout < 0 || d.PingTimeout < 0:
		return fmt.Errorf("the restart waits and time-outs must be positive, the smallest wait below the largest")
	}
	if d.AdapterSlots < 1 || d.AdapterContexts < 1 || d.AdapterContexts > 64 {
		return fmt.Errorf("adapter slots is %d and adapter contexts %d; both must be positive, the contexts at most 64", c.AdapterSlots, c.AdapterContexts)
	}
	for i, a := range c.Adapters {
		if err := checkAdapterName(a.Name); err != nil {
			return err
		}
		if slices.ContainsFunc(c.Adapters[:i], func(o Adapter) bool { return o.Name == a.Name }) {
			return fmt.Errorf("two adapters are named %s", a.Name)
		}
	}
	for _, f := range []string{c.Model, c.LibDir} {
		if _, err := os.Stat(f); err != nil {
			return fmt.Errorf("llama engine: %w", err)
		}
	}
	return nil
}

// hello is the child's part of the configuration.
func (c Config) hello() wire.Hello {
	rules := wire.Exact()
	if c.Schedule == "fast" {
		rules = wire.Fast()
	}
	if c.Rules != nil {
		rules = *c.Rules
	}
	return wire.Hello{Model: c.Model, LibDir: c.LibDir, CacheDir: c.CacheDir, Threads: c.Threads, CPUs: c.CPUs, Slots: c.Slots,
		Context: c.Context, Chunk: c.Chunk, Schedule: rules, CheckTensors: c.CheckTensors, AdapterSlots: c.AdapterSlots, AdapterContexts: c.AdapterContexts, SelfTest: c.Schedule == "exact"}
}

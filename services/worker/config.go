package worker

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/worker/internal/anthropic"
	"github.com/leathq/leat/services/worker/internal/llama"
	"github.com/leathq/leat/services/worker/internal/openai"
	"github.com/leathq/leat/services/worker/internal/sim"
)

// Config is all that a worker needs beside a NATS URL.
type Config struct {
	Engine     string            `yaml:"engine" flag:"engine" oneof:"llama|openai|anthropic|sim" doc:"what computes: llama (a model file on this machine), openai (any OpenAI-compatible server), anthropic (a provider of the Messages API) or sim (nothing: for tests)"`
	Model      string            `yaml:"model" flag:"model" doc:"llama: path of a GGUF file, or hf:owner/repo/file.gguf; openai and anthropic: NAME or NAME=UPSTREAM_NAME; empty: the engine's default"`
	Names      []string          `yaml:"served_model_names" flag:"served-model-name" doc:"names by which clients ask for the model; empty: the engine's own"`
	Name       string            `yaml:"name" flag:"name" doc:"name of this worker, unique in the fleet; empty: made from the machine's name"`
	Pool       string            `yaml:"pool" flag:"pool" doc:"pool to join: workers that serve the same models; empty: the model's name"`
	Slots      int               `yaml:"slots" flag:"slots" doc:"sequences that run at once; 0: the engine's default"`
	Overcommit int               `yaml:"overcommit" flag:"overcommit" doc:"sequences accepted beyond the slots, to wait inside the engine"`
	Weight     int               `yaml:"weight" flag:"weight" doc:"share of the pool's requests against other workers', under the policies round_robin and session_affinity; 0: 1"`
	Grace      time.Duration     `yaml:"grace" flag:"grace" doc:"how long running sequences may finish when the worker is told to leave"`
	NoGPU      bool              `yaml:"no_gpu" flag:"no-gpu" doc:"do not ask the NVIDIA driver, where there is one, what the GPUs do"`
	Spot       Spot              `yaml:"spot" doc:"notices that the machine will be taken away"`
	Env        map[string]string `yaml:"env" secret:"true" doc:"variables for the processes of the engine (the server of --exec, the child of llama), such as CUDA_VISIBLE_DEVICES, over the worker's own"`
	Llama      Llama             `yaml:"llama" doc:"the engine llama"`
	OpenAI     Relay             `yaml:"openai" doc:"the engine openai"`
	Anthropic  Messages          `yaml:"anthropic" doc:"the engine anthropic"`
	Sim        sim.Config        `yaml:"sim" doc:"the engine sim"`
}

// Spot says whether the worker looks for a cloud's notices that its machine will be taken away, and what it does about them.
type Spot struct {
	Provider    string `yaml:"provider" flag:"spot" oneof:"off|auto|aws|gcp|azure" doc:"whose notices that this machine will be taken away make the worker leave: auto (of whichever metadata service answers at the start), aws, gcp, azure, or off"`
	MetadataURL string `yaml:"metadata_url" flag:"spot-metadata-url" doc:"base URL of the machine's metadata service; empty: the provider's own, http://169.254.169.254"`
	Rebalance   bool   `yaml:"leave_on_rebalance" flag:"spot-leave-on-rebalance" doc:"leave on AWS's recommendation to rebalance, too, which may come long before an interruption, or without one"`
	Approve     bool   `yaml:"approve" flag:"spot-approve" doc:"once the worker has left, tell Azure that it need not wait any longer; only where nothing else runs on the machine"`
}

// Validate refuses an address that is no URL.
func (s Spot) Validate() error {
	u, err := url.Parse(s.MetadataURL)
	if s.MetadataURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("metadata_url: %q is not a URL such as http://169.254.169.254", s.MetadataURL)
	}
	return nil
}

// Llama configures llama.cpp, which runs in a child process.
type Llama struct {
	EngineLib    string        `yaml:"engine_lib" flag:"engine-lib" doc:"directory of libllama and its back-ends; empty: fetched once and kept"`
	Threads      int           `yaml:"threads" flag:"threads" doc:"compute threads; 0: one less than there are CPUs"`
	CPUs         []int         `yaml:"cpus" flag:"cpus" doc:"CPUs to pin the compute threads to (Linux); empty: not pinned"`
	Context      int           `yaml:"context" flag:"context" doc:"tokens that a sequence may hold, prompt and answer; 0: 2048"`
	Chunk        int           `yaml:"chunk" flag:"chunk" doc:"prompt tokens of a turn at most; fewer while sequences run; 0: 128"`
	Schedule     string        `yaml:"schedule" flag:"schedule" oneof:"exact|fast" doc:"exact: an answer does not depend on load; fast: it may differ in the last bits"`
	Adapters     []string      `yaml:"adapters" flag:"adapter" doc:"LoRA adapters to load at the start, each NAME=PATH of a GGUF file; clients call them as model:NAME"`
	AdapterSlots int           `yaml:"adapter_slots" flag:"adapter-slots" doc:"sequences that one adapter runs at once; 0: 4, or the slots where those are fewer"`
	AdapterMax   int           `yaml:"adapter_contexts" flag:"adapter-contexts" doc:"adapters that run at once; sequences of others wait until one is idle; 0: 4"`
	CheckTensors bool          `yaml:"check_tensors" flag:"check-tensors" doc:"read all weights at load and refuse broken ones"`
	StartTimeout time.Duration `yaml:"start_timeout" flag:"engine-start-timeout" doc:"longest load of a model; 0: 5m"`
	StepTimeout  time.Duration `yaml:"step_timeout" flag:"engine-step-timeout" doc:"longest native call until the engine counts as hung and is restarted; 0: 2m"`
}

// Relay configures the engine openai. It is checked when that engine is chosen, not before.
type Relay openai.Config

// Messages configures the engine anthropic. It is checked when that engine is chosen, not before.
type Messages anthropic.Config

// DefaultConfig runs a model file on this machine.
func DefaultConfig() Config {
	return Config{
		Engine: "llama", Grace: 30 * time.Second, Llama: Llama{Schedule: "exact"}, OpenAI: Relay(openai.DefaultConfig()),
		Anthropic: Messages(anthropic.DefaultConfig()),
		Sim:       sim.DefaultConfig(),
		Spot:      Spot{Provider: "auto"},
	}
}

// Validate refuses what cannot work with any engine.
func (c Config) Validate() error {
	var errs []error
	if c.Name != "" && c.Name != bus.Token(c.Name) {
		errs = append(errs, fmt.Errorf("name: %q has other letters than A-Z, a-z, 0-9, _ and -; try %q", c.Name, bus.Token(c.Name)))
	}
	if c.Pool != "" && c.Pool != bus.Token(c.Pool) {
		errs = append(errs, fmt.Errorf("pool: %q has other letters than A-Z, a-z, 0-9, _ and -; try %q", c.Pool, bus.Token(c.Pool)))
	}
	if c.Slots < 0 || c.Slots > maxSlots {
		errs = append(errs, fmt.Errorf("slots: %d is not between 0 (the engine's default) and %d", c.Slots, maxSlots))
	}
	if c.Overcommit < 0 || c.Overcommit > maxSlots {
		errs = append(errs, fmt.Errorf("overcommit: %d is not between 0 and %d", c.Overcommit, maxSlots))
	}
	if c.Weight < 0 || c.Weight > pool.MaxWeight {
		errs = append(errs, fmt.Errorf("weight: %d is not between 0 (which is 1) and %d", c.Weight, pool.MaxWeight))
	}
	for name := range c.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			errs = append(errs, fmt.Errorf("env: %q is no name of a variable", name))
		}
	}
	for _, a := range c.Llama.Adapters {
		if name, path, _ := strings.Cut(a, "="); name == "" || path == "" {
			errs = append(errs, fmt.Errorf("adapter: %q is not NAME=PATH", a))
		}
	}
	if c.Llama.AdapterSlots < 0 || c.Llama.AdapterMax < 0 {
		errs = append(errs, fmt.Errorf("adapter-slots and adapter-contexts: %d and %d must not be below 0", c.Llama.AdapterSlots, c.Llama.AdapterMax))
	}
	if c.Grace < 0 {
		errs = append(errs, fmt.Errorf("grace: %s is below 0", c.Grace))
	}
	return errors.Join(errs...)
}

// maxSlots bounds what a report must list.
const maxSlots = 1 << 14

// variables is Env as processes take it.
func (c Config) variables() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		out = append(out, name+"="+c.Env[name])
	}
	return out
}

func (c Config) llama() llama.Config {
	l := c.Llama
	out := llama.Config{
		Model: c.Model, LibDir: l.EngineLib, Threads: l.Threads, CPUs: l.CPUs, Slots: c.Slots, Context: l.Context, Chunk: l.Chunk,
		Schedule: l.Schedule, CheckTensors: l.CheckTensors, StartTimeout: l.StartTimeout, StepTimeout: l.StepTimeout,
	}
	out.Env = c.variables()
	out.AdapterSlots, out.AdapterContexts = l.AdapterSlots, l.AdapterMax
	for _, a := range l.Adapters {
		name, path, _ := strings.Cut(a, "=")
		out.Adapters = append(out.Adapters, llama.Adapter{Name: name, Path: path})
	}
	if len(c.Names) > 0 {
		out.Name = c.Names[0]
	}
	return out
}

func (c Config) openai() openai.Config {
	out := openai.Config(c.OpenAI)
	out.Model, out.Env = c.Model, c.variables()
	if out.Slots == 0 {
		out.Slots = c.Slots
	}
	return out
}

func (c Config) anthropic() anthropic.Config {
	out := anthropic.Config(c.Anthropic)
	out.Model = c.Model
	if c.Slots > 0 {
		out.Slots = c.Slots
	}
	return out
}

func (c Config) sim() sim.Config {
	out := c.Sim
	out.Model = c.Model
	if len(c.Names) > 0 {
		out.Model = c.Names[0]
	}
	if c.Slots > 0 {
		out.Cost.Slots = c.Slots
	}
	return out
}

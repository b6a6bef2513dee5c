package worker

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/leathq/leat/pkg/assets"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/worker/internal/anthropic"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/launch"
	"github.com/leathq/leat/services/worker/internal/llama"
	"github.com/leathq/leat/services/worker/internal/llama/child"
	"github.com/leathq/leat/services/worker/internal/openai"
	"github.com/leathq/leat/services/worker/internal/sim"
)

// IsEngine reports whether a command line is that of an engine's child process: "engine llama", or "engine guard"
// beside a server of --exec. The engines start the program that they run in again with it, so every program with a worker
// in it must answer.
func IsEngine(args []string) bool {
	return len(args) >= 2 && args[0] == "engine" && (args[1] == "llama" || args[1] == "guard")
}

// Engine is the child process of an engine. It ends when its worker does.
func Engine(ctx context.Context, args, _ []string) error {
	if !IsEngine(args) {
		return fmt.Errorf("engine %v is not known; there are llama and guard", args)
	}
	if args[1] == "guard" {
		os.Exit(launch.Guard(args[2:], os.Stderr)) // with the server's own code
	}
	if code := child.Main(ctx, args[2:], os.Stderr); code != 0 {
		return fmt.Errorf("engine %s ended with code %d", args[1], code)
	}
	return nil
}

// Prepare checks what the chosen engine needs and brings libraries and model files into place, which may take minutes
// the first time; progress is told on out. It writes the paths into cfg. An error says what to change.
func Prepare(ctx context.Context, cfg *Config, out io.Writer) error {
	switch cfg.Engine {
	case "anthropic":
		return cfg.anthropic().Validate()
	case "openai":
		return cfg.openai().Validate()
	case "sim":
		return cfg.sim().Validate()
	}
	paths, err := assets.Ensure(ctx, assets.Spec{EngineLib: cfg.Llama.EngineLib, Model: cfg.Model}, assets.Options{Progress: out})
	if err != nil {
		return err
	}
	cfg.Llama.EngineLib, cfg.Model = paths.EngineLib, paths.Model
	if len(cfg.Names) == 0 {
		cfg.Names = []string{paths.ModelName}
	}
	return cfg.llama().Validate()
}

// openEngine starts the engine that cfg names.
func openEngine(ctx context.Context, cfg Config, deps host.Deps, hooks hooks) (engine.Engine, error) {
	switch cfg.Engine {
	case "llama":
		return llama.New(ctx, cfg.llama(), llama.Deps{
			Log: deps.Log, Steps: hooks.Steps, OnStep: func(s llama.StepTiming) { hooks.Took(s.Kind, s.Elapsed) },
		})
	case "openai":
		return openai.New(ctx, cfg.openai(), openai.Deps{Log: deps.Log, Getenv: os.Getenv, Steps: hooks.Steps})
	case "anthropic":
		return anthropic.New(ctx, cfg.anthropic(), anthropic.Deps{Log: deps.Log, Getenv: os.Getenv})
	case "sim":
		return sim.New(cfg.sim(), sim.Deps{Steps: hooks.Steps})
	}
	return nil, fmt.Errorf("engine %q is not known; take llama, openai, anthropic or sim", cfg.Engine)
}

package sim

import (
	"errors"
	"fmt"

	"github.com/leathq/leat/pkg/enginesim"
)

// Config is what a simulated engine serves and what its work costs. The zero value of every field works.
type Config struct {
	// Cost is the size and speed of the engine; where it is the zero value, enginesim.DefaultConfig.
	Cost enginesim.Config `yaml:"cost"`
	// MeanOutput is the mean length of an answer in tokens where nothing else ends it (the end-of-text token comes with
	// probability 1/MeanOutput); 0: 128. A request with ignore_eos runs to max_tokens.
	MeanOutput int `yaml:"mean_output" flag:"sim-mean-output" doc:"mean length of a simulated answer in tokens, where neither max_tokens nor a stop string ends it"`
	// Weights is the number that stands for the model's weights: engines with one number give one text.
	Weights uint64 `yaml:"weights" flag:"sim-weights" doc:"number that stands for the simulated model's weights: engines with the same one answer alike"`
	// Model is the name that clients use; empty: "sim".
	Model string
}

// DefaultConfig is the default engine with all its numbers filled in.
func DefaultConfig() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	if c.Model == "" {
		c.Model = "sim"
	}
	if c.Cost == (enginesim.Config{}) {
		c.Cost = enginesim.DefaultConfig()
	}
	if c.MeanOutput == 0 {
		c.MeanOutput = 128
	}
	return c
}

// Validate names the first field that cannot work.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.MeanOutput < 1 {
		return fmt.Errorf("sim: mean_output is %d: at least 1 token is needed", c.MeanOutput)
	}
	if err := c.Cost.Validate(); err != nil {
		return fmt.Errorf("sim: cost: %w", err)
	}
	return nil
}

var errEmptyPrompt = errors.New("the prompt is empty")

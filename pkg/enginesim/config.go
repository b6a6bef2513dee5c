package enginesim

import (
	"fmt"
	"time"
)

// Config is the size and the cost model of one engine. One step takes
// StepBase + StepPerSeq × decoding sequences + prefilled tokens / PrefillRate.
type Config struct {
	Slots       int           `yaml:"slots" flag:"sim-slots" doc:"sequences that run at once"`
	KVBlocks    int           `yaml:"kv_blocks" flag:"sim-kv-blocks" doc:"blocks in the KV cache"`
	BlockSize   int           `yaml:"block_size" flag:"sim-block-size" doc:"tokens that a KV block holds"`
	Context     int           `yaml:"context" flag:"sim-context" doc:"tokens that a sequence may hold, prompt and answer; 0: what the KV cache holds"`
	ChunkTokens int           `yaml:"chunk_tokens" flag:"sim-chunk-tokens" doc:"tokens that one step computes at most, prefill and decode together"`
	PrefillRate float64       `yaml:"prefill_rate" flag:"sim-prefill-rate" doc:"prompt tokens per second"`
	StepBase    time.Duration `yaml:"step_base" flag:"sim-step-base" doc:"time of a step without any sequence"`
	StepPerSeq  time.Duration `yaml:"step_per_seq" flag:"sim-step-per-seq" doc:"time that each decoding sequence adds to a step"`
	NoCache     bool          `yaml:"no_cache" flag:"sim-no-cache" doc:"switch prefix reuse off"`
}

// DefaultConfig is a mid-size model on one accelerator: 50–80 tokens/s a sequence, 8,000 prompt tokens/s, 64 slots,
// 64 Ki tokens of KV cache.
func DefaultConfig() Config {
	return Config{
		Slots: 64, KVBlocks: 4096, BlockSize: 16, ChunkTokens: 2048,
		PrefillRate: 8000, StepBase: 12 * time.Millisecond, StepPerSeq: 100 * time.Microsecond,
	}
}

// Slower returns the same engine with every cost multiplied by factor.
func (c Config) Slower(factor float64) Config {
	c.PrefillRate /= factor
	c.StepBase = time.Duration(float64(c.StepBase) * factor)
	c.StepPerSeq = time.Duration(float64(c.StepPerSeq) * factor)
	return c
}

// ContextLen is the number of tokens that a sequence may hold, prompt and output.
func (c Config) ContextLen() int {
	if c.Context == 0 {
		return c.KVBlocks * c.BlockSize
	}
	return min(c.Context, c.KVBlocks*c.BlockSize)
}

// Validate names the first field that cannot work.
func (c Config) Validate() error {
	switch {
	case c.Slots < 1:
		return fmt.Errorf("slots is %d: at least 1 is needed", c.Slots)
	case c.BlockSize < 1:
		return fmt.Errorf("block_size is %d: at least 1 is needed", c.BlockSize)
	case c.KVBlocks < 2:
		return fmt.Errorf("kv_blocks is %d: at least 2 are needed", c.KVBlocks)
	case c.ChunkTokens < 1:
		return fmt.Errorf("chunk_tokens is %d: at least 1 is needed", c.ChunkTokens)
	case c.PrefillRate <= 0:
		return fmt.Errorf("prefill_rate is %g: it must be above 0 tokens/s", c.PrefillRate)
	case c.StepBase <= 0 || c.StepPerSeq < 0:
		return fmt.Errorf("step_base is %v and step_per_seq %v: a step must take some time", c.StepBase, c.StepPerSeq)
	case c.Context < 0 || c.ContextLen() < 2:
		return fmt.Errorf("context is %d: it must be 0 (all of the KV cache) or at least 2 tokens", c.Context)
	}
	return nil
}

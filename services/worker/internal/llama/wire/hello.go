package wire

import (
	"encoding/json"
	"fmt"
	"time"
)

// Hello is the first frame: what the child shall load and how it shall run. JSON.
type Hello struct {
	Model           string // GGUF file
	LibDir          string
	CacheDir        string // where model digests are remembered; empty: nowhere
	Threads         int
	CPUs            []int // pin the compute threads to these; empty: wherever the system puts them
	Slots           int
	Context         int // tokens a slot may hold; 0: what the model was trained for
	Chunk           int // most prompt tokens of a turn
	Schedule        Schedule
	CheckTensors    bool
	SelfTest        bool
	Adapters        []Adapter // to load at the start: names and paths
	AdapterSlots    int       // sequences that an adapter's context runs at once, at most Slots
	AdapterContexts int       // contexts of adapters at once
}

// Schedule is which native calls a child makes, with which kernels and in which company.
type Schedule struct {
	Name         string // exact, fast
	Flash        bool   // flash attention
	RowAttention bool   // of its kernels only the one whose rows do not depend on each other
	Unified      bool   // one KV buffer for all slots; entries of a sequence then lie in any order
	Mixed        bool   // prompt tokens and decode steps share calls
	MinChunk     int    // fewest prompt tokens in a call
	ReuseOutput  bool   // KV entries of generated tokens serve as prefix of later prompts
	// Learn sets ReuseOutput where the self-test shows that decode steps write the same bits as prompts do.
	Learn bool
}

// Exact is the schedule under which bits depend on nothing but the sequence itself.
func Exact() Schedule {
	return Schedule{Name: "exact", Flash: true, RowAttention: true, MinChunk: 2, Learn: true}
}

// Fast is the schedule that trades that for speed: with keys and values of one type, llama.cpp takes its tiled kernel for
// prompts of 64 rows and more. It shares no calls and no KV buffer either: with llama.cpp's CPU code both cost tokens per
// second (docs/adr/0010).
func Fast() Schedule {
	return Schedule{Name: "fast", Flash: true, MinChunk: 1, ReuseOutput: true}
}

// Ready answers Hello: what was loaded. JSON.
type Ready struct {
	ModelDigest  string // sha256:…
	Fingerprint  string
	Exact        bool
	ExactNote    string
	Context      int
	Slots        int
	Vocab        int
	ChatTemplate string
	BOS          string
	EOS          string
	PAD          string
	Library      string
	Backend      string
	Description  string
	LoadTime     time.Duration
	SelfTestTime time.Duration
	Adapters     []Adapter
}

// SendJSON sends v as a frame of the given kind.
func (c *Conn) SendJSON(kind Kind, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	return c.Send(kind, func(buf []byte) []byte { return append(buf, b...) })
}

// DecodeJSON decodes a Hello or Ready payload.
func DecodeJSON(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return nil
}

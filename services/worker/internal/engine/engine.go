// Package engine is what a worker asks of an inference engine, in plain Go: no bus, no gRPC, no protobuf.
//
// An engine runs sequences. It knows nothing of gateways, routers, tenants or retries; the worker around it does.
// Implementations live in the sibling packages llama, openai and sim.
package engine

import (
	"context"
	"time"
)

// Engine runs sequences of one model. All methods are safe for concurrent use.
type Engine interface {
	// Generate runs one sequence to its end and returns when its slot is free again.
	//
	// Every delta goes to out.Emit in order; the last one carries Finish and Usage, and Generate then returns nil.
	// An error return means that no Finish was emitted; it is an *Error where the engine knows what went wrong.
	// When ctx ends, the sequence stops and its slot is free within 50 ms (llama: one decode step + 50 ms); Generate
	// then returns the context's error.
	Generate(ctx context.Context, req *Request, out Output) error
	// Tokenize turns text into token ids. addSpecial puts the model's BOS/EOS where its tokeniser does; parseSpecial
	// reads spelled-out special tokens ("<|im_start|>") as such.
	Tokenize(ctx context.Context, text string, addSpecial, parseSpecial bool) ([]int32, error)
	// Detokenize turns ids into text, special tokens included.
	Detokenize(ctx context.Context, ids []int32) (string, error)
	// Info describes the model that is served. It changes only when the engine restarts with other facts.
	Info() Info
	// Stats is a cheap snapshot of the load, called several times a second.
	Stats() Stats
	// Close ends the engine and everything that it started. Sequences that still run get ErrClosed.
	Close() error
}

// Counter is an engine with Chat ChatNative that can tell how many tokens a chat's prompt has.
type Counter interface {
	// Count counts the prompt of a chat; messages and extras are as in a Request.
	Count(ctx context.Context, messages, extras []byte) (int, error)
}

// Output takes the deltas of one sequence.
type Output interface {
	// Emit hands over one delta. It never blocks and keeps no reference to the delta's slices beyond the call only
	// where Delta says so. Emit is called by one goroutine at a time.
	Emit(Delta)
	// Credit is how many more deltas the reader takes now. At zero or below a step engine leaves the sequence out of
	// the next step (its slot stays held); a sequence that is late to notice may overrun by a few deltas.
	Credit() int
	// Wait blocks until Credit is above zero, or returns the context's error.
	Wait(ctx context.Context) error
}

// Steps brackets the deltas of one engine step so that they leave in one frame per gateway. Between Hold and Release
// nothing is flushed; calls must be paired and short.
type Steps interface {
	Hold()
	Release()
}

// Prompt is one of three things, the first that is set: Tokens, Messages (only where Info.Chat is ChatNative), Text.
type Prompt struct {
	Text         string
	Tokens       []int32
	Messages     []byte // the request's "messages" array, JSON as the client sent it
	AddSpecial   bool   // for Text: let the tokeniser add BOS/EOS
	ParseSpecial bool   // for Text: read spelled-out special tokens as such (rendered chat templates)
}

// Request is one sequence. Choices (n) and lists of prompts are several requests.
type Request struct {
	ID     string // the client's request id, for logs and upstream headers
	Model  string
	Prompt Prompt
	Sampling
	Stop       []string // strings that end the text; they are not part of it
	MaxTokens  int      // 0: up to the end of the context
	IgnoreEOS  bool
	Stream     bool // the client streams; engines that relay ask their upstream the same way
	Echo       bool // emit the prompt's tokens first, as Delta.Prompt
	Logprobs   bool // a TokenLogprob for every token, generated and echoed
	TopLogprob int  // how many alternatives each of them lists, 0..20
	User       string
	Metadata   map[string]string
	// Extras is, beside Prompt.Messages, a JSON object of what else of OpenAI's chat request must be heeded: tools,
	// tool_choice, parallel_tool_calls, response_format, as the client sent them. Nil where there is nothing.
	Extras []byte
	// Grammar is GBNF that the whole answer must match; empty is none. With a GrammarTrigger it holds from the first place
	// on where that text stands, the text included; what stands before it is free.
	Grammar        string
	GrammarTrigger string
	// Adapter is the adapter to apply to the model, by its name; empty is none.
	Adapter string
}

// Sampling says how the next token is picked. A nil pointer is "not given": the engine's own default.
type Sampling struct {
	Temperature       *float64 // 0 is greedy
	TopP              *float64
	TopK              *int
	MinP              *float64
	FrequencyPenalty  *float64
	PresencePenalty   *float64
	RepetitionPenalty *float64
	LogitBias         map[int32]float64
	Seed              *int64 // as the client gave it
	AutoSeed          int64  // what to draw from where Seed is nil; the same for every attempt of a request
}

// Delta is what one step added to one sequence. Texts hold whole characters only. The receiver may keep its slices.
type Delta struct {
	Reasoning string // text that the engine tells from the answer; it comes before Text
	Text      string
	Tokens    []int32 // of both
	// Logprobs has one entry a token where Request.Logprobs asked for it.
	Logprobs []TokenLogprob
	// Prompt holds echoed prompt tokens (Request.Echo), in order, possibly spread over several first deltas of at most
	// 256 tokens each. Logprobs of its first token are absent (Null).
	Prompt []TokenLogprob
	Finish FinishReason // set on the last delta
	Usage  *Usage       // set on the last delta
	Timing *Timing      // set on the last delta
	Extra  *Extra       // what few deltas have; nil where there is nothing of it
}

// Extra is what few deltas have. It comes after Text.
type Extra struct {
	ToolCalls []ToolCall // calls of tools, or parts of them
	Signature string     // what the engine wants to see again beside the reasoning; opaque
}

// ToolCall is a call of a tool that the model wants made, or a part of one. Parts with the same index add up.
type ToolCall struct {
	Index     int
	ID        string // on the first part
	Name      string // on the first part
	Arguments string // JSON text, or the next piece of it
}

// FinishReason is why a sequence ended well.
type FinishReason string

// The finish reasons, spelled as OpenAI spells them.
const (
	FinishNone   FinishReason = ""
	FinishStop   FinishReason = "stop"
	FinishLength FinishReason = "length"
	FinishTools  FinishReason = "tool_calls" // the model wants tools called
)

// TokenLogprob is one token with its natural-log probability under the unmodified distribution (before temperature,
// penalties and bias), and the most likely alternatives in falling order.
type TokenLogprob struct {
	ID      int32
	Text    []byte // the token's bytes; may be a part of a character
	Logprob float64
	Null    bool // no probability: the first token of a prompt
	Top     []TopLogprob
}

// TopLogprob is one alternative at a position.
type TopLogprob struct {
	ID      int32
	Text    []byte
	Logprob float64
}

// Usage counts tokens in classes that do not overlap; the prompt is UncachedInput + CacheRead.
type Usage struct {
	UncachedInput int
	CacheRead     int
	CacheWrite    int
	Output        int // without Reasoning
	Reasoning     int
	// Estimated: an upstream sent no usage; Output counts its deltas, the prompt is unknown and counted as 0.
	Estimated bool
}

// Timing is where the engine spent a sequence's time.
type Timing struct {
	Queue   time.Duration // from Generate to the first work on it
	Prefill time.Duration
	Decode  time.Duration
}

// Chat says how an engine takes chat messages.
type Chat string

// How an engine takes chat messages.
const (
	ChatTemplate Chat = "template" // the gateway renders Info.ChatTemplate and sends text
	ChatNative   Chat = "native"   // the engine takes messages as they are
	ChatNone     Chat = "none"     // a base model: completions only
)

// Info describes the served model.
type Info struct {
	Model         string    // the name clients use
	Engine        string    // llama, openai, sim
	ModelVersion  string    // digest or name@revision of what is loaded
	Fingerprint   string    // what exactness holds for: model file, library, CPU type, schedule; empty where unknown
	Exact         bool      // the load-time self-test proved the exact schedule
	ExactNote     string    // what differed, where Exact is false and was asked for
	ContextLen    int       // tokens a sequence may hold, prompt and output; 0: unknown
	Slots         int       // sequences that run at once
	Chat          Chat      // how chat messages are taken
	ChatTemplate  string    // Jinja source, where Chat is ChatTemplate
	BOS, EOS, PAD string    // special tokens as text; empty where there is none
	Params        []string  // optional request parameters that are honoured, by their OpenAI or vLLM JSON name
	UnaryBlocks   bool      // a request that does not stream delivers nothing before its end
	Tokenizes     bool      // Tokenize and Detokenize work
	Adapters      []Adapter // that are loaded now
}

// Adapter is a loaded LoRA adapter. Clients ask for it as the model "model:name".
type Adapter struct {
	Name        string
	Path        string
	Version     string // of the model with it
	Fingerprint string
	Exact       bool
	ExactNote   string
}

// Stats is a snapshot of an engine's load.
type Stats struct {
	Running       int     // sequences that hold a slot
	Waiting       int     // accepted by the engine, no slot yet
	QueuedTokens  int     // prompt tokens accepted and not yet prefilled
	KVUse         float64 // 0..1; 0 where unknown
	PrefillRate   float64 // tokens/s, learnt; 0 where unknown
	DecodeRate    float64 // tokens/s over all sequences, learnt; 0 where unknown
	PromptTokens  uint64  // since start
	CachedTokens  uint64  // since start, of PromptTokens
	OutputTokens  uint64  // since start
	Steps         uint64  // since start: moves while the engine lives
	Healthy       bool
	HealthMessage string
	Restarts      int
}

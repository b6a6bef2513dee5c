package enginesim

import "time"

// Finish is why a sequence ended.
type Finish string

// The finish reasons, spelled as OpenAI spells them.
const (
	FinishNone   Finish = ""
	FinishStop   Finish = "stop"   // Sample said so
	FinishLength Finish = "length" // MaxTokens or the context is used up
)

// Seq is one sequence. The caller fills the upper part before Add and keeps its hands off it until the sequence has
// ended; the lower part is the machine's report, to be read at any time between two calls.
type Seq struct {
	Prompt    []int32
	MaxTokens int // 0: up to the end of the context
	// Sample picks the next token and says whether the sequence ends with it. Nil: tokens are 0, 1, 2, …, so that
	// generated blocks of different sequences with one prompt are the same.
	Sample func() (token int32, last bool)
	Owner  any // the caller's own

	Arrived   time.Time // Add
	Started   time.Time // first step that computed something for it
	First     time.Time // first token
	Ended     time.Time // last token
	Cached    int       // prompt tokens found in the cache when it was first admitted
	Output    int       // tokens generated
	Preempted int       // times that its blocks were taken away

	tokens   []int32 // prompt and output
	hash     uint64  // chain over tokens[:hashed]
	hashed   int
	hashes   []uint64 // one a full block
	computed int      // tokens whose KV is there
	batch    int      // tokens that the running step computes
	shared   []*block
	private  int
	state    state
	held     bool
	prefill  bool // the running step counts as prefill for it
}

type state uint8

const (
	outside state = iota
	waiting
	running
)

// blockHashes brings hashes up to date with the full blocks of tokens[:n].
func (s *Seq) blockHashes(n, size int) {
	for ; s.hashed < n; s.hashed++ {
		s.hash = chain(s.hash, s.tokens[s.hashed])
		if (s.hashed+1)%size == 0 {
			s.hashes = append(s.hashes, s.hash)
		}
	}
}

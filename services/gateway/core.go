package gateway

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/pkg/prefix"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/calls"
	"github.com/leathq/leat/services/gateway/internal/chat"
	"github.com/leathq/leat/services/gateway/internal/flight"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// call is a request as both faces, HTTP and gRPC, bring it to the domain.
type call struct {
	id       string
	model    string
	tenant   string
	class    inferv1.Class
	session  string         // the key that the client names by header; see sessionOf
	messages []chat.Message // a chat, where not nil
	raw      []byte         // the messages as JSON
	rich     []byte         // likewise, with what only engines of Anthropic's API take; nil where there is nothing of it
	wishes   openai.Wishes  // what a chat asks for beside words
	images   imagery        // what of raw is images
	prompts  []prompt       // completions
	n        int            // choices a prompt
	stream   bool
	logprobs bool
	unsaid   bool             // only the echoed prompt is wanted: what the engine generates is not said
	template *inferv1.Request // what all sequences share; nil once they are on their way
	given    []string         // optional parameters that the engine must honour, by JSON name
	waits    pool.Timeouts
	trace    string
	began    time.Time
	lent     bool // copies of it use its memory, that of the body among it
}

// forget drops what a call's sequences have by now: a stream may be open for long.
func (c *call) forget() {
	if !c.template.GetEcho() {
		c.prompts = nil
	}
	c.template, c.messages, c.raw, c.rich, c.wishes = nil, nil, nil, nil, openai.Wishes{}
}

type prompt struct {
	text   string
	tokens []int32
}

// piece is a part of one choice. Choice j of prompt i has the index i×n + j.
type piece struct {
	choice int
	flight.Delta
}

// answer is the running answer to a call. Next and Close belong to one goroutine.
type answer struct {
	g       *Gateway
	model   *served
	call    *call
	chat    bool   // the prompt was messages
	holds   string // the parameter that became the answer's grammar; empty where none did
	seqs    []*flight.Sequence
	over    []bool
	left    int
	wake    chan struct{}
	outflow atomic.Pointer[outflow] // set while a pump writes the answer
	scratch []flight.Delta
	pieces  []piece
	parsers []*calls.Parser  // by choice, where calls of tools are to be found in the text
	claims  []*inferv1.Claim // large payloads, dropped at the end: until then another attempt may need them

	route   *detour // nil where the name that was asked for is the model
	choices int
	begun   bool // the reader has some of it

	usage      flight.Usage
	start      *flight.Start
	worker     string
	firstToken time.Duration // from the call to the first token; 0: there was none
	outTokens  int           // that have come; exact only where the engine tells token ids
	ends       int           // choices whose usage is known
}

// body is one sequence's encoded request with what a router must know of it.
type body struct {
	data   []byte
	blocks []uint64
	tokens int
}

func (g *Gateway) bodies(c *call, m *served) ([]body, error) {
	prompts := c.prompts
	if c.messages != nil {
		p, err := g.render(c, m, true)
		if err != nil {
			return nil, err
		}
		prompts = []prompt{p}
		if err := c.constrain(m); err != nil {
			return nil, err
		}
	}
	out := make([]body, 0, len(prompts)*c.n)
	for i, p := range prompts {
		b := body{tokens: len(p.tokens)}
		if p.tokens == nil {
			b.tokens = len(p.text)/4 + 1
		}
		c.template.Prompt, c.template.Model = nil, m.GetName()
		switch {
		case c.messages != nil && m.template == nil:
			raw, extras := c.spelled(m)
			c.template.Extras, c.template.Prompt = extras, &inferv1.Request_Messages{Messages: raw}
			b.tokens = (len(c.raw)-c.images.bytes+len(c.template.GetExtras()))/4 + imageTokens*c.images.count + 1
			b.blocks = prefix.Blocks(nil, m.GetName(), c.raw)
		case p.tokens != nil:
			c.template.Prompt = &inferv1.Request_Tokens{Tokens: &inferv1.TokenIds{Ids: p.tokens}}
			b.blocks = prefix.Blocks(nil, m.GetName(), idBytes(p.tokens))
		default:
			c.template.Prompt = &inferv1.Request_Text{Text: p.text}
			b.blocks = prefix.Blocks(nil, m.GetName(), []byte(p.text))
		}
		for j := range c.n {
			if err := b.encode(c, i*c.n+j); err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}
	return out, nil
}

// encode fills in what differs between choices: the numbers they draw from.
func (b *body) encode(c *call, index int) error {
	s := c.template.GetSampling()
	seed := s.Seed
	if seed != nil && index%c.n > 0 {
		v := *seed + int64(index%c.n)
		s.Seed = &v
	}
	s.AutoSeed = int64(xxh3.HashString(c.id+"/"+strconv.Itoa(index)) >> 1)
	data, err := proto.Marshal(c.template)
	s.Seed = seed
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	b.data = data
	return nil
}

// render turns a chat into what the model takes; open ends it with the beginning of the assistant's turn.
func (g *Gateway) render(c *call, m *served, open bool) (prompt, error) {
	switch m.GetChat() {
	case "native":
		return prompt{}, nil
	case "template":
		if m.broken != nil {
			return prompt{}, errs.New(errs.Upstream, "chat_template_broken",
				"The chat template of model '%s' cannot be used. Call /v1/completions instead; operator: the template is in the model file.", m.GetName()).Because(m.broken)
		}
		text, err := c.prompt(m, open)
		if err != nil {
			return prompt{}, errs.Field("messages", "invalid_messages", "The model's chat template refuses the messages: %v.", err)
		}
		c.template.ParseSpecial, c.template.AddSpecial = true, false
		return prompt{text: text}, nil
	}
	return prompt{}, errs.Field("model", "chat_not_supported",
		"The model '%s' has no chat template. Call /v1/completions with a prompt instead.", m.GetName())
}

// launch submits one sequence.
func (a *answer) launch(ctx context.Context, at *attempt, b body) error {
	g, part, w := a.g, at.part, at.waits
	s := flight.New(g.table.NextID(), part.index, uint32(g.cfg.Window), flight.Waits{
		Connect: w.Connect, FirstToken: w.FirstToken, Idle: w.Idle, Total: w.Total, Slow: g.cfg.SlowClient,
	}, g.link.now())
	s.Wake = a.wakeUp
	if at.hedger != nil {
		s.Hedge(at.hedger.begin(g.link.now()), at.hedger)
	}
	sub := &inferv1.Submit{
		Gateway: g.id, Sequence: s.ID, Attempt: 1, Tenant: a.call.tenant, Class: a.call.class,
		DeadlineUnixMs: a.call.began.Add(w.Total).UnixMilli(), QueueTimeoutMs: w.Queue.Milliseconds(),
		PromptTokens: uint32(b.tokens), MaxTokens: at.maxTokens, Prefix: b.blocks,
		SubmittedUnixNanos: time.Now().UnixNano(), Traceparent: a.call.trace, Credit: uint32(g.cfg.Window),
		RequestId: a.call.id, Session: at.session, Model: at.model.GetName(),
	}
	if at.wake > 0 {
		sub.WakeUntilUnixMs = time.Now().Add(at.wake).UnixMilli()
	}
	if g.deps.Bus.TooLarge(len(b.data) + 8*len(b.blocks)) {
		claim, err := g.deps.Bus.PutClaim(ctx, b.data)
		if err != nil {
			return errs.New(errs.Unavailable, "claim_failed",
				"A prompt of %d bytes could not be handed over. Try again; operator: is NATS's JetStream up, with room on its disk?", len(b.data)).Because(err)
		}
		sub.Claim, a.claims = claim, append(a.claims, claim)
	} else {
		sub.Body = b.data
	}
	s.Payload = sub
	a.seqs = append(a.seqs, s)
	a.over = append(a.over, false)
	a.left++
	g.table.Add(s)
	g.pace.Wake()
	g.link.submit(part, sub)
	return nil
}

// sessionOf is what the router knows a request's session by: a hash of the tenant and the key, so that neither one tenant's
// sessions are another's nor a user's id is read on the way. The key is x-leat-session, else metadata's session_id, else
// user; 0 is none.
func sessionOf(c *call) uint64 {
	key := cmp.Or(c.session, c.template.GetMetadata()["session_id"], c.template.GetUser())
	if key == "" {
		return 0
	}
	return max(xxh3.HashString(c.tenant+"\x00"+key), 1)
}

// lower takes the smaller of the pool's limit and the client's wish.
func lower(limit, wish pool.Timeouts) pool.Timeouts {
	for _, f := range []struct{ v, w *time.Duration }{
		{&limit.Connect, &wish.Connect}, {&limit.Queue, &wish.Queue}, {&limit.FirstToken, &wish.FirstToken},
		{&limit.Idle, &wish.Idle}, {&limit.Total, &wish.Total},
	} {
		if *f.w > 0 && *f.w < *f.v {
			*f.v = *f.w
		}
	}
	return limit
}

// idBytes is the canonical form of token ids for prefix hashes: four bytes each, big end first.
func idBytes(ids []int32) []byte {
	n := min(len(ids), math.MaxInt32/4)
	out := make([]byte, 0, 4*n)
	for _, id := range ids[:n] {
		out = append(out, byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
	}
	return out
}

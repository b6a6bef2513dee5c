package anthropic

import (
	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Stream appends the events of one streamed answer, each complete with its blank line: Add for every part, then End, or
// Broken in its place.
type Stream struct {
	head    openai.Head
	started bool
	row     blocks.Row
	out     []byte // where events go while the row grows
}

// NewStream prepares a stream.
func NewStream(h openai.Head) *Stream { return &Stream{head: h} }

// Add appends what a part of the answer makes of events.
func (s *Stream) Add(b []byte, p *blocks.Part) []byte {
	s.out = s.start(b)
	s.row.Add(p, s)
	return s.give()
}

// End appends the end of a complete answer.
func (s *Stream) End(b []byte, finish string, u openai.Usage) []byte {
	s.out = s.start(b)
	s.row.End(s)
	b = s.give()
	b = openai.AppendString(append(b, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"...), stopReason(finish))
	b = append(b, `,"stop_sequence":null},"usage":`...)
	b = append(appendUsage(b, u), "}\n\n"...)
	return append(b, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}

// AppendErrorEvent appends the event that ends a stream with an error; SDKs raise it. No message_stop follows.
func AppendErrorEvent(b []byte, e *openai.Error, id string) []byte {
	return append(AppendError(append(b, "event: error\ndata: "...), e, id), "\n\n"...)
}

func (s *Stream) give() []byte {
	b := s.out
	s.out = nil
	return b
}

func (s *Stream) start(b []byte) []byte {
	if s.started {
		return b
	}
	s.started = true
	b = append(b, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
	b = appendHead(b, s.head)
	b = append(b, `],"stop_reason":null,"stop_sequence":null,"usage":`...)
	b = append(appendUsage(b, openai.Usage{}), "}}\n\n"...)
	return append(b, "event: ping\ndata: {\"type\":\"ping\"}\n\n"...)
}

// Open implements [blocks.Sink].
func (s *Stream) Open(i int, b *blocks.Block) {
	s.event("content_block_start", i)
	s.out = append(s.out, `,"content_block":`...)
	empty := blocks.Block{Kind: b.Kind, ID: b.ID, Name: b.Name, Signature: b.Signature} // of redacted thinking alone at this time
	s.out = append(appendBlock(s.out, &empty), "}\n\n"...)
}

// More implements [blocks.Sink].
func (s *Stream) More(i int, b *blocks.Block, text string, _ []openai.TokenLogprob) {
	switch b.Kind {
	case blocks.Reasoning:
		s.delta(i, `"thinking_delta","thinking":`, text)
	case blocks.Call:
		s.delta(i, `"input_json_delta","partial_json":`, text)
	default:
		s.delta(i, `"text_delta","text":`, text)
	}
}

// Sign implements [blocks.Sink].
func (s *Stream) Sign(i int, b *blocks.Block) {
	s.delta(i, `"signature_delta","signature":`, b.Signature)
}

// Close implements [blocks.Sink].
func (s *Stream) Close(i int, _ *blocks.Block) {
	s.event("content_block_stop", i)
	s.out = append(s.out, "}\n\n"...)
}

func (s *Stream) delta(i int, open, text string) {
	s.event("content_block_delta", i)
	s.out = append(append(s.out, `,"delta":{"type":`...), open...)
	s.out = append(openai.AppendString(s.out, text), "}}\n\n"...)
}

// event appends the beginning of an event of a block.
func (s *Stream) event(name string, i int) {
	s.out = append(append(s.out, "event: "...), name...)
	s.out = append(append(s.out, "\ndata: {\"type\":\""...), name...)
	s.out = appendInt(append(s.out, `","index":`...), i)
}

package responses

import (
	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Stream appends the events of one streamed answer, each complete with its blank line and numbered in order: Add for every
// part, then End, or Broken in its place. It keeps the answer, which the last event repeats.
type Stream struct {
	asked  *Asked
	row    blocks.Row
	number int64
	status string // of the item that is closed next
	out    []byte // where events go while the row grows
}

// NewStream prepares a stream.
func NewStream(a *Asked) *Stream {
	return &Stream{asked: a, row: blocks.Row{Keep: true}, status: "completed"}
}

// Add appends what a part of the answer makes of events.
func (s *Stream) Add(b []byte, p *blocks.Part) []byte {
	s.out = s.start(b)
	s.row.Add(p, s)
	return s.give()
}

// End appends the end of a complete answer; at is when that was, in Unix seconds.
func (s *Stream) End(b []byte, finish string, at int64, u openai.Usage) []byte {
	st := ended(finish, at, u)
	s.out = s.start(b)
	if !s.row.Has(blocks.Text) && !s.row.Has(blocks.Call) {
		s.row.Begin(blocks.Text, s)
	}
	if st.status != "completed" {
		s.status = "incomplete"
	}
	s.row.End(s)
	return s.response(s.give(), "response."+st.status, st)
}

// Broken appends the end of an answer that failed.
func (s *Stream) Broken(b []byte, e *openai.Error) []byte {
	s.out = s.start(b)
	s.event("error")
	s.out = openai.AppendStringOrNull(append(s.out, `,"code":`...), e.Code)
	s.out = openai.AppendString(append(s.out, `,"message":`...), e.Message)
	s.out = openai.AppendStringOrNull(append(s.out, `,"param":`...), e.Param)
	s.out = append(s.out, "}\n\n"...)
	return s.response(s.give(), "response.failed", state{status: "failed", err: e})
}

func (s *Stream) give() []byte {
	b := s.out
	s.out = nil
	return b
}

func (s *Stream) start(b []byte) []byte {
	if s.number > 0 {
		return b
	}
	now := state{status: "in_progress"}
	return s.response(s.response(b, "response.created", now), "response.in_progress", now)
}

// response appends an event with the whole response.
func (s *Stream) response(b []byte, name string, st state) []byte {
	s.out = b
	s.event(name)
	s.out = s.asked.append(append(s.out, `,"response":`...), &s.row, st)
	s.out = append(s.out, "}\n\n"...)
	return s.give()
}

// Open implements [blocks.Sink].
func (s *Stream) Open(i int, b *blocks.Block) {
	s.item("response.output_item.added", i, b, "in_progress")
	if b.Kind == blocks.Call {
		return
	}
	s.part("response.content_part.added", i, &blocks.Block{Kind: b.Kind})
}

// More implements [blocks.Sink].
func (s *Stream) More(i int, b *blocks.Block, text string, lp []openai.TokenLogprob) {
	switch b.Kind {
	case blocks.Reasoning:
		s.of("response.reasoning_text.delta", i, b.Kind)
	case blocks.Call:
		s.of("response.function_call_arguments.delta", i, b.Kind)
	default:
		s.of("response.output_text.delta", i, b.Kind)
	}
	s.out = openai.AppendString(append(s.out, `,"delta":`...), text)
	s.logprobs(b, lp)
	s.out = append(s.out, "}\n\n"...)
}

// Sign implements [blocks.Sink]; the item has it when it is done.
func (s *Stream) Sign(int, *blocks.Block) {}

// Close implements [blocks.Sink].
func (s *Stream) Close(i int, b *blocks.Block) {
	switch b.Kind {
	case blocks.Reasoning:
		s.of("response.reasoning_text.done", i, b.Kind)
		s.out = openai.AppendString(append(s.out, `,"text":`...), string(b.Text))
	case blocks.Call:
		s.of("response.function_call_arguments.done", i, b.Kind)
		s.out = openai.AppendString(append(s.out, `,"name":`...), b.Name)
		s.out = openai.AppendString(append(s.out, `,"arguments":`...), string(b.Text))
	default:
		s.of("response.output_text.done", i, b.Kind)
		s.out = openai.AppendString(append(s.out, `,"text":`...), string(b.Text))
		s.logprobs(b, b.Logprobs)
	}
	s.out = append(s.out, "}\n\n"...)
	if b.Kind != blocks.Call {
		s.part("response.content_part.done", i, b)
	}
	s.item("response.output_item.done", i, b, s.status)
}

func (s *Stream) logprobs(b *blocks.Block, lp []openai.TokenLogprob) {
	if b.Kind != blocks.Text {
		return
	}
	s.out = append(s.out, `,"logprobs":`...)
	if !s.asked.Params.Logprobs {
		s.out = append(s.out, "[]"...)
		return
	}
	s.out = openai.AppendLogprobList(s.out, lp)
}

func (s *Stream) item(name string, i int, b *blocks.Block, status string) {
	s.event(name)
	s.out = appendInt(append(s.out, `,"output_index":`...), int64(i))
	s.out = s.asked.appendItem(append(s.out, `,"item":`...), i, b, status)
	s.out = append(s.out, "}\n\n"...)
}

func (s *Stream) part(name string, i int, b *blocks.Block) {
	s.of(name, i, b.Kind)
	s.out = appendPart(append(s.out, `,"part":`...), b, s.asked.Params.Logprobs)
	s.out = append(s.out, "}\n\n"...)
}

// of appends the beginning of an event of an item's content, or of a call.
func (s *Stream) of(name string, i int, k blocks.Kind) {
	s.event(name)
	s.out = openai.AppendString(append(s.out, `,"item_id":`...), s.asked.itemID(i, k))
	s.out = appendInt(append(s.out, `,"output_index":`...), int64(i))
	if k != blocks.Call {
		s.out = append(s.out, `,"content_index":0`...)
	}
}

// event appends the beginning of an event.
func (s *Stream) event(name string) {
	s.out = append(append(s.out, "event: "...), name...)
	s.out = append(append(s.out, "\ndata: {\"type\":\""...), name...)
	s.out = appendInt(append(s.out, `","sequence_number":`...), s.number)
	s.number++
}

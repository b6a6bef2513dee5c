package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// askTimeout is how long a question may take.
const askTimeout = 30 * time.Second

// asked answers a question beside the subscription's goroutine, or says at once that there are too many.
func (m *member) asked(msg *nats.Msg) {
	select {
	case m.asks <- struct{}{}:
	default:
		m.answer(context.Background(), msg.Reply, &inferv1.Answer{Answer: &inferv1.Answer_Error{Error: errs.Proto(errs.New(
			errs.RateLimited, "worker_busy", "The worker answers %d other questions. Try again in a moment.", maxAsks))}})
		return
	}
	m.serving.Go(func() {
		defer func() { <-m.asks }()
		ctx, cancel := context.WithTimeout(m.life, askTimeout)
		defer cancel()
		var a *inferv1.Answer
		err := m.safely(func() (err error) {
			a, err = m.think(ctx, msg.Data)
			return err
		})
		if err != nil {
			_, e := failure(err, m.draining())
			a = &inferv1.Answer{Answer: &inferv1.Answer_Error{Error: errs.Proto(e)}}
		}
		m.answer(ctx, msg.Reply, a)
	})
}

// think answers an encoded Ask.
func (m *member) think(ctx context.Context, data []byte) (*inferv1.Answer, error) {
	ask := new(inferv1.Ask)
	if err := proto.Unmarshal(data, ask); err != nil {
		return nil, errs.New(errs.Invalid, "invalid_request", "The worker cannot read the question.").Because(err)
	}
	if c := ask.GetClaim(); c != nil {
		ask = new(inferv1.Ask)
		switch err := m.bus.GetClaim(ctx, c, maxRequest, ask); {
		case errors.Is(err, bus.ErrClaimGone):
			return nil, errs.New(errs.Unavailable, "request_lost", "The question's payload is gone from the object store. Ask again.").Because(err)
		case err != nil:
			return nil, fmt.Errorf("fetch question: %w", err)
		}
	}
	id := m.identity.get()
	if ask.GetModel() != "" && !slices.Contains(id.names, ask.GetModel()) {
		return nil, errs.New(errs.NotFound, "model_not_found", "Worker %s does not serve the model %q.", m.name, ask.GetModel())
	}
	if q := ask.GetCount(); q != nil {
		return m.count(ctx, ask.GetModel(), q)
	}
	if !id.info.Tokenizes {
		return nil, errs.New(errs.Invalid, "unsupported_operation", "The engine behind model %q does not tokenise.", ask.GetModel())
	}
	switch q := ask.GetQuestion().(type) {
	case *inferv1.Ask_Tokenize:
		ids, err := m.engine.Tokenize(ctx, q.Tokenize.GetText(), q.Tokenize.GetAddSpecial(), q.Tokenize.GetParseSpecial())
		return &inferv1.Answer{Answer: &inferv1.Answer_Tokens{Tokens: &inferv1.TokenIds{Ids: ids}}}, err
	case *inferv1.Ask_Detokenize:
		text, err := m.engine.Detokenize(ctx, q.Detokenize.GetIds())
		return &inferv1.Answer{Answer: &inferv1.Answer_Text{Text: text}}, err
	}
	return nil, errs.New(errs.Invalid, "invalid_request", "The question asks nothing that this worker knows.")
}

// count answers how long a chat's prompt is, where the engine renders it and can tell.
func (m *member) count(ctx context.Context, model string, q *inferv1.CountChat) (*inferv1.Answer, error) {
	counter, ok := m.engine.(engine.Counter)
	if !ok {
		return nil, &errs.Error{Kind: errs.Invalid, Code: "unsupported_operation", Param: "model", Message: fmt.Sprintf(
			"The engine behind model '%s' renders messages itself and does not count their tokens. Send the message, and read its usage.", model)}
	}
	n, err := counter.Count(ctx, q.GetMessages(), q.GetExtras())
	return &inferv1.Answer{Answer: &inferv1.Answer_Count{Count: uint32(max(0, n))}}, err
}

// answer replies, by claim check where the answer is too large for a message.
func (m *member) answer(ctx context.Context, reply string, a *inferv1.Answer) {
	if m.bus.TooLarge(proto.Size(a)) {
		payload, err := proto.Marshal(a)
		if err == nil {
			var c *inferv1.Claim
			c, err = m.bus.PutClaim(ctx, payload)
			a = &inferv1.Answer{Claim: c}
		}
		if err != nil {
			m.log.Error("large answer not stored", "error", err)
			a = &inferv1.Answer{Answer: &inferv1.Answer_Error{Error: errs.Proto(errs.New(
				errs.Unavailable, "payload_unreachable", "The answer could not be stored. Ask again.").Because(err))}}
		}
	}
	if err := m.reply(reply, a); err != nil {
		m.log.Warn("answer not sent", "error", err)
	}
}

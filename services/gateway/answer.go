package gateway

import (
	"context"
	"io"
	"time"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

// wakeUp tells whoever writes the answer that there is something new.
func (a *answer) wakeUp() {
	if o := a.outflow.Load(); o != nil {
		o.due()
		return
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next pieces. io.EOF comes after every choice had its finish reason. The pieces are good until the
// next call.
func (a *answer) Next(ctx context.Context) ([]piece, error) {
	for {
		if a.left == 0 {
			if a.route != nil && a.route.said && !a.begun {
				a.begun = true
				return a.spoken(), nil
			}
			return nil, io.EOF
		}
		if err := a.collect(); err != nil && a.turn(ctx, err) {
			continue
		} else if err != nil || len(a.pieces) > 0 {
			a.begun = true
			return a.pieces, err
		}
		select {
		case <-ctx.Done():
			return nil, a.gone(ctx)
		case <-a.wake:
		}
	}
}

// collect takes what has come for every choice.
func (a *answer) collect() error {
	a.pieces = a.pieces[:0]
	now := a.g.link.now()
	for i, s := range a.seqs {
		if a.over[i] {
			continue
		}
		if r := s.Runs(); r != s { // another one has overtaken it
			a.seqs[i], s = r, r
		}
		out, grant, over, failed := s.Take(a.scratch[:0], now)
		a.scratch = out
		if grant > 0 {
			p := s.Where()
			a.g.link.out.grant(p.Worker, &inferv1.Limit{Ref: &inferv1.Ref{Sequence: s.ID, Attempt: p.BoundTo}, Below: grant})
		}
		for _, d := range out {
			if err := a.add(i, s, d); err != nil {
				return err
			}
		}
		if failed != nil {
			return failed
		}
		if over {
			a.over[i] = true
			a.left--
			a.g.table.Remove(s.ID)
		}
	}
	return nil
}

func (a *answer) add(choice int, s *flight.Sequence, d flight.Delta) error {
	if a.start == nil && d.Start != nil {
		a.start, a.worker = d.Start, s.Where().Worker
	}
	if a.call.unsaid {
		withhold(&d)
	}
	if n := produced(&d); n > 0 {
		if a.outTokens += n; a.firstToken == 0 {
			a.firstToken = time.Since(a.call.began)
		}
	}
	if d.End != nil {
		a.ends++
		a.count(choice, d.End.Usage)
		if d.End.Err != nil {
			a.g.table.Remove(s.ID)
			a.over[choice] = true
			a.left--
			return a.blame(d.End.Err)
		}
	}
	if a.parsers != nil {
		find(a.parsers[choice], &d)
	}
	a.pieces = append(a.pieces, piece{choice: choice, Delta: d})
	return nil
}

// withhold leaves of a delta what it says of the prompt.
func withhold(d *flight.Delta) {
	d.Reasoning, d.Text, d.Tokens, d.Logprobs, d.Extra = "", "", nil, nil, nil
	if d.End != nil {
		d.End.Finish, d.End.Usage.Output, d.End.Usage.Reasoning = "length", 0, 0
	}
}

// produced is how many tokens a delta brings; a text or a part of a tool call without ids counts as one, as servers stream
// them.
func produced(d *flight.Delta) int {
	calls := d.Extra != nil && len(d.Extra.ToolCalls) > 0
	if n := max(len(d.Tokens), len(d.Logprobs)); n > 0 || d.Text == "" && d.Reasoning == "" && !calls {
		return n
	}
	return 1
}

// made is how many tokens the answer has: by the engine's own count, or, where it was cut short of that, as they came.
func (a *answer) made() int {
	if known := a.usage.Output + a.usage.Reasoning; a.ends == len(a.seqs) && known > 0 || known > a.outTokens {
		return known
	}
	return a.outTokens
}

// blame names the field that the client sent: a worker knows a chat only as the prompt that it was rendered to, and tools
// and formats only as the grammar that they became.
func (a *answer) blame(err *errs.Error) *errs.Error {
	if a.chat && err.Param == "prompt" {
		err.Param = "messages"
	}
	if a.holds != "" && err.Param == "grammar" {
		err.Param = a.holds
	}
	return err
}

// count adds a choice's usage; a prompt is counted once for all its choices.
func (a *answer) count(choice int, u flight.Usage) {
	a.usage.Output += u.Output
	a.usage.Reasoning += u.Reasoning
	a.usage.Estimated = a.usage.Estimated || u.Estimated
	if choice%a.call.n == 0 {
		a.usage.UncachedInput += u.UncachedInput
		a.usage.CacheRead += u.CacheRead
		a.usage.CacheWrite += u.CacheWrite
	}
}

// Close ends the call: what still runs is taken back.
func (a *answer) Close() {
	a.takeBack()
	if len(a.claims) > 0 {
		go a.g.link.drop(a.claims)
		a.claims = nil
	}
}

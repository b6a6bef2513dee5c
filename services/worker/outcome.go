package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/frames"
	"github.com/leathq/leat/services/worker/internal/held"
)

// Why a sequence is stopped. The typed ones are told to the gateway.
var (
	errWithdrawn  = errors.New("the gateway withdrew the sequence")
	errOrphan     = errors.New("the gateway is silent")
	errHandedBack = errors.New("the worker hands the sequence back")
	errDeadline   = errs.New(errs.Timeout, "total_timeout", "The request ran into its total time-out before its answer was complete. Allow more time, or ask for fewer tokens.")
	errDraining   = errs.New(errs.Unavailable, "worker_draining", "The worker is leaving and its grace period ended before this answer did. Send the request again.")
	errGap        = errs.New(errs.Upstream, "stream_gap", "A part of the answer was lost on its way and cannot be sent again. Send the request again.")
)

// refusals are the reasons behind verdicts that need no detail.
var refusals = map[held.Verdict]*errs.Error{
	held.Full:       errs.New(errs.Unavailable, "worker_full", "The worker has no free slot."),
	held.HandedBack: errs.New(errs.Unavailable, "worker_not_ready", "The worker takes no work at the moment."),
	held.Fenced:     errs.New(errs.Unavailable, "stale_epoch", "A router with a newer epoch owns the partition."),
	held.Cancelled:  errs.New(errs.Canceled, "cancelled", "The gateway withdrew the request."),
}

// errRetry is a failure that another worker may not have.
type errRetry struct{ cause *errs.Error }

func (e errRetry) Error() string { return e.cause.Error() }

// conclude judges how a run ended, tells the gateway where it must be told, and returns what the router hears.
func (m *member) conclude(ctx context.Context, s *held.Sequence, err error) held.Outcome {
	p := s.Out.Progress()
	o := held.Outcome{Verdict: held.Done, Usage: p.Usage, Prefill: p.Timing.Prefill, Total: time.Since(s.Accepted)}
	if !p.First.IsZero() {
		o.FirstToken = p.First.Sub(s.Accepted)
	}
	if p.Finished {
		if err != nil {
			m.log.Warn("engine failed after it had finished a sequence", "error", err)
		}
		return o
	}
	o.Usage = engine.Usage{Output: p.Tokens}
	if cause := context.Cause(ctx); cause != nil {
		o.Verdict, o.Error = stopped(s.Out, cause, &o.Usage)
		return o
	}
	v, e := failure(err, m.draining())
	o.Verdict, o.Error = v, e
	elsewhere := v == held.Retry || v == held.HandedBack
	switch {
	case elsewhere && s.Out.SealUnstarted():
		return o
	case elsewhere:
		o.Verdict = held.Broken
	}
	// Not its message: a client's error, or an upstream's words in it, may quote the prompt.
	m.log.Log(ctx, severity(e.Kind), "sequence failed", "request_id", s.Request, "gateway", s.Gateway, "sequence", s.Sequence, "attempt", s.Attempt, "code", e.Code)
	s.Out.Fail(frames.Failure{Error: e, Elsewhere: elsewhere}, &o.Usage)
	return o
}

// severity keeps what clients do wrong out of an operator's sight: it says nothing of the worker.
func severity(k errs.Kind) slog.Level {
	if k.HTTP() < 500 {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// stopped is the outcome of a sequence that was stopped from outside.
func stopped(out *frames.Stream, cause error, used *engine.Usage) (held.Verdict, *errs.Error) {
	var e *errs.Error
	switch {
	case errors.Is(cause, errHandedBack):
		return held.HandedBack, refusals[held.HandedBack]
	case !errors.As(cause, &e):
		return held.Cancelled, refusals[held.Cancelled]
	}
	out.Fail(frames.Failure{Error: e, Elsewhere: e != errDeadline}, used) // most likely told already
	if e == errDeadline {
		return held.Done, e // a limit that the client set says nothing of the worker
	}
	return held.Broken, e
}

// failure turns an engine's error into a verdict and what the client is told.
func failure(err error, draining bool) (held.Verdict, *errs.Error) {
	var own *errs.Error
	var eng *engine.Error
	var retry errRetry
	switch {
	case err == nil:
		e := errs.New(errs.Upstream, "engine_truncated", "The engine stopped without saying that the answer is complete. Send the request again.")
		return held.Retry, e
	case errors.Is(err, engine.ErrClosed) && draining:
		return held.HandedBack, errDraining
	case errors.Is(err, engine.ErrClosed):
		return held.Retry, errs.New(errs.Unavailable, "engine_unavailable", "The engine stopped. Send the request again.").Because(err)
	case errors.As(err, &retry):
		return held.Retry, retry.cause
	case errors.As(err, &own):
		return held.Done, own
	case errors.As(err, &eng):
		return engineFailure(eng)
	}
	return held.Retry, errs.As(err)
}

func engineFailure(err *engine.Error) (held.Verdict, *errs.Error) {
	e := &errs.Error{Kind: kindOf(err), Code: err.Code, Message: err.Message, Param: err.Param, RetryAfter: err.RetryAfter, Err: err.Err}
	switch {
	case err.Client:
		return held.Done, e
	case err.Retry:
		return held.Retry, e
	}
	return held.Broken, e
}

// kindOf maps an engine's error by its upstream status where there was one, else by its code. An upstream's 4xx is the
// client's only where the request is at fault: a 404 for a model that the operator misspelt is not.
func kindOf(err *engine.Error) errs.Kind {
	switch {
	case err.Client && err.Status == 404:
		return errs.NotFound
	case err.Client && err.Status == 413:
		return errs.TooLarge
	case err.Status == 429: // too many requests of all clients together; Retry-After is worth passing on
		return errs.RateLimited
	case err.Client:
		return errs.Invalid
	}
	switch err.Code {
	case "engine_unavailable", "overloaded":
		return errs.Unavailable
	case "idle_timeout":
		return errs.Timeout
	}
	return errs.Upstream
}

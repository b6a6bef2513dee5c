package scaling

import (
	"fmt"
	"math"
)

const (
	// busyShare of the slots taken makes workers busy: only then do latency and throughput speak of the pool's size. A
	// longer prompt takes longer on an idle worker, too.
	busyShare = 0.8
	// noticeable is by how many seconds the time to the first token must rise at least.
	noticeable = 0.1
	// loadRise and tokensFlat: the load is so many times the usual, and the tokens a second no more than so many times.
	loadRise, tokensFlat = 1.25, 1.05
)

// Judge says what the signals of one moment ask for, whatever was asked for before.
func Judge(c Config, s Signals) Decision {
	d := Decision{Replicas: s.Replicas, Desired: s.Replicas}
	switch {
	case s.Replicas == 0:
		return c.asleep(d, s)
	case s.Ready == 0 && s.Starting > 0:
		d.because("no worker is ready yet: %d start", s.Starting)
	case s.Cordoned == s.Replicas && s.Queued > 0:
		d.Desired++
		d.because("%d requests wait and every worker is cordoned", s.Queued)
	default:
		c.weigh(&d, s)
	}
	d.Desired = c.bound(d.Desired)
	if d.Desired != s.Replicas && len(d.Reasons) == 0 {
		d.because("the pool may have %d to %d workers", c.Min, c.Max)
	}
	return d.named()
}

// asleep judges a pool without workers.
func (c Config) asleep(d Decision, s Signals) Decision {
	switch {
	case s.Queued > 0:
		d.because("%d requests wait and there is no worker", s.Queued)
	case !c.Zero:
		d.because("there is no worker, and at least %d should be", c.Min)
	case !s.Kept:
		d.because("it must be up once before it may sleep: nobody knows yet what it serves")
	case c.asked(s):
		d.because("a request came within the last %s", c.Idle)
	default:
		d.because("nobody asks")
		return d.named()
	}
	d.Desired = c.bound(max(c.Min, 1))
	return d.named()
}

// asked says whether a request came lately.
func (c Config) asked(s Signals) bool {
	return s.Queued+s.Running > 0 || !s.LastRequest.IsZero() && s.At.Sub(s.LastRequest) < c.Idle
}

// quiet says whether nobody has asked for so long that the pool may sleep.
func (c Config) quiet(s Signals) bool { return !c.asked(s) && s.At.Sub(s.Since) >= c.Idle }

// weigh looks for reasons for more workers, then for fewer.
func (c Config) weigh(d *Decision, s Signals) {
	limit := c.QueueFactor * float64(max(s.MaxBatch, 1))
	deep := float64(s.Queued) > limit
	slow := s.GPUUse.Known && s.GPUUse.Value < c.GPUUse
	full := s.GPUMemory.Known && s.GPUMemory.Value > c.GPUMemory
	busy := s.Queued > 0 || float64(s.Running) >= busyShare*float64(s.Ready*s.MaxBatch)
	flat := busy && s.TokensUsual > 0 && s.LoadUsual > 0 && s.Load >= loadRise*s.LoadUsual && s.Tokens <= tokensFlat*s.TokensUsual
	step := 0
	more := func(n int, format string, a ...any) {
		step = max(step, n)
		d.because(format, a...)
	}
	if full && s.Queued > 0 {
		more(1, "GPU memory is %.0f %% full and %d requests wait", 100*s.GPUMemory.Value, s.Queued)
	}
	if (deep || flat) && slow && !full {
		d.Verdict = Suboptimal
		d.because("the GPUs are %.0f %% busy while %d requests wait: give the engine more slots, or larger batches, before more workers",
			100*s.GPUUse.Value, s.Queued)
		return
	}
	if deep {
		more(max(int(math.Ceil((float64(s.Queued)-limit)/limit)), 1), "%d requests wait, more than %.0f: %g batches of %d%s",
			s.Queued, limit, c.QueueFactor, s.MaxBatch, ofGPUs(s))
	}
	if flat {
		more(1, "%.0f %% more requests than usual are there, and no more tokens a second (%.0f, usually %.0f)",
			100*(s.Load/s.LoadUsual-1), s.Tokens, s.TokensUsual)
	}
	if busy && s.TTFTUsual > 0 && s.TTFT > c.TTFTRise*s.TTFTUsual && s.TTFT-s.TTFTUsual > noticeable {
		more(1, "the first token takes %.2f s, usually %.2f s", s.TTFT, s.TTFTUsual)
	}
	switch {
	case step == 0:
		c.fewer(d, s)
	case s.Starting > 0:
		d.because("%d more start already", s.Starting)
	default:
		d.Desired = s.Replicas + min(step, s.Replicas) // at most twice as many at a time
	}
}

func ofGPUs(s Signals) string {
	if !s.GPUUse.Known {
		return ""
	}
	return fmt.Sprintf(", with the GPUs %.0f %% busy", 100*s.GPUUse.Value)
}

// fewer looks how many workers would do. GPU use does not count here: NVML's share of time in which a kernel ran is near
// 100 % with a single sequence.
func (c Config) fewer(d *Decision, s Signals) {
	if c.Zero && s.Kept && c.quiet(s) {
		d.Desired = 0
		d.because("no request for %s", c.Idle)
		return
	}
	if s.Queued > 0 || s.MaxBatch == 0 || s.Starting > 0 {
		return
	}
	need := max(int(math.Ceil(float64(s.Running)/(c.SlotUse*float64(s.MaxBatch))))+s.Cordoned, c.Min)
	if need < s.Replicas {
		d.Desired = s.Replicas - 1 // one at a time
		d.because("%d sequences run, which %d workers of %d slots would do with %.0f %% of these", s.Running, need, s.MaxBatch, 100*c.SlotUse)
	}
}

func (d *Decision) because(format string, a ...any) {
	d.Reasons = append(d.Reasons, fmt.Sprintf(format, a...))
}

// named gives a decision the verdict that its numbers have.
func (d Decision) named() Decision {
	switch {
	case d.Desired > d.Replicas:
		d.Verdict = Up
	case d.Desired < d.Replicas:
		d.Verdict = Down
	}
	if len(d.Reasons) == 0 {
		d.because("nothing asks for more workers or fewer")
	}
	return d
}

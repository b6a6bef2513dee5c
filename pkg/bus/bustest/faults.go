package bustest

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus"
)

// Faults is a bad network for messages whose subject starts with Prefix. Shares are probabilities from 0 to 1 and may
// be changed with Set while it runs. It is safe for concurrent use; with a Seed its choices repeat.
type Faults struct {
	Prefix  string        // empty: every subject
	Loss    float64       // never delivered
	Double  float64       // delivered twice
	Delay   float64       // delivered after up to MaxWait; later ones overtake it
	Reorder float64       // swapped with the next message
	MaxWait time.Duration // of Delay; 0 is 20 ms
	Seed    uint64

	mu   sync.Mutex
	rng  *rand.Rand
	held map[bus.Lane]func()
	lost int
}

// Set changes the shares of loss, doubling, delay and reordering.
func (f *Faults) Set(loss, double, delay, reorder float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Loss, f.Double, f.Delay, f.Reorder = loss, double, delay, reorder
}

// Lost counts the messages that were not delivered.
func (f *Faults) Lost() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// Arrive implements bus.Faults.
func (f *Faults) Arrive(lane bus.Lane, msg *nats.Msg, deliver func(*nats.Msg)) {
	if !strings.HasPrefix(msg.Subject, f.Prefix) {
		deliver(msg)
		return
	}
	for _, fn := range f.plan(lane, func() { deliver(msg) }) {
		fn()
	}
}

func (f *Faults) plan(lane bus.Lane, give func()) []func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rng == nil {
		f.rng = rand.New(rand.NewPCG(f.Seed, 1))
		f.held = map[bus.Lane]func(){}
	}
	held := f.held[lane]
	delete(f.held, lane)
	out := func(fns ...func()) []func() {
		if held != nil {
			fns = append(fns, held)
		}
		return fns
	}
	switch p := f.rng.Float64(); {
	case p < f.Loss:
		f.lost++
		return out()
	case p < f.Loss+f.Double:
		return out(give, give)
	case p < f.Loss+f.Double+f.Delay:
		wait := f.MaxWait
		if wait == 0 {
			wait = 20 * time.Millisecond
		}
		d := time.Duration(f.rng.Int64N(int64(wait)))
		return out(func() { time.AfterFunc(d, give) })
	case p < f.Loss+f.Double+f.Delay+f.Reorder && held == nil:
		// Held until the next message of the lane, or for a moment where none comes.
		var once sync.Once
		fn := func() { once.Do(give) }
		f.held[lane] = fn
		time.AfterFunc(50*time.Millisecond, fn)
		return nil
	}
	return out(give)
}

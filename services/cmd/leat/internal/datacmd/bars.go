package datacmd

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// steps is how finely a bar moves.
const steps = 1000

// bars shows a bar for every stage of a run on a terminal. Its methods are called by one goroutine.
type bars struct {
	tree  *mpb.Progress
	drawn map[string]*mpb.Bar
	wait  *mpb.Bar // before there are stages

	mu     sync.Mutex // what bars draw from, by goroutines of theirs
	meters meters
	state  *ingestorv1.RunState
	now    time.Time
}

func newBars(f *os.File) *bars {
	return &bars{tree: mpb.New(mpb.WithOutput(f), mpb.WithWidth(30)), drawn: map[string]*mpb.Bar{}, meters: meters{}}
}

func (b *bars) show(s *ingestorv1.RunState) {
	b.mu.Lock()
	b.state, b.now = s, time.Now()
	b.meters.take(s, b.now)
	b.mu.Unlock()
	if len(s.GetStages()) == 0 {
		b.queued()
		return
	}
	if b.wait != nil {
		b.wait.Abort(true)
		b.wait = nil
	}
	for i, stage := range s.GetStages() {
		bar := b.drawn[stage.GetName()]
		if bar == nil {
			bar = b.add(i, stage.GetName())
			b.drawn[stage.GetName()] = bar
		}
		if n := int64(done(s, stage) * steps); n < steps || stage.GetFinished() != nil {
			bar.SetCurrent(n)
		}
	}
}

// queued shows that a run waits.
func (b *bars) queued() {
	if b.wait == nil {
		b.wait = b.tree.New(0, mpb.SpinnerStyle(), mpb.PrependDecorators(decor.Name("queued: waits for an ingestor that has room  ")), mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO)))
	}
}

func (b *bars) add(number int, name string) *mpb.Bar {
	say := func(f func(stage *ingestorv1.StageState) string) decor.Decorator {
		return decor.Any(func(decor.Statistics) string {
			b.mu.Lock()
			defer b.mu.Unlock()
			if number >= len(b.state.GetStages()) {
				return ""
			}
			return f(b.state.GetStages()[number])
		}, decor.WCSyncSpace)
	}
	return b.tree.AddBar(steps, mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)), mpb.AppendDecorators(
		say(func(s *ingestorv1.StageState) string {
			return fmt.Sprintf("%d/%d parts", s.GetDone(), s.GetPartitions())
		}),
		say(func(s *ingestorv1.StageState) string { return number64(s.GetCounts().GetRowsIn()) + " rows" }),
		say(b.rate),
		say(func(s *ingestorv1.StageState) string {
			if s.GetFinished() != nil {
				return "done"
			}
			if s.GetTrouble() != nil {
				return "tried again: " + cut(s.GetTrouble().GetMessage(), 80)
			}
			if left := b.meters.left(b.state, s, b.now); left > 0 {
				return "ETA " + left.String()
			}
			return ""
		}),
	))
}

func (b *bars) rate(s *ingestorv1.StageState) string {
	if s.GetFinished() != nil {
		return ""
	}
	rows, bytes := b.meters.of(s).rates()
	return fmt.Sprintf("%s rows/s, %.1f MB/s", number(int64(rows)), bytes/1e6)
}

func number64(n uint64) string { return number(int64(n)) }

func (b *bars) note(text string) { _, _ = fmt.Fprintln(b.tree, text) }

// close draws the last state and leaves it there.
func (b *bars) close() {
	if b.wait != nil {
		b.wait.Abort(true)
	}
	for _, bar := range b.drawn {
		bar.Abort(false)
	}
	b.tree.Wait()
}

package assets

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// bars draws one bar per file on a terminal and writes plain lines elsewhere.
type bars struct {
	out  io.Writer
	mu   sync.Mutex    // guards out where there are no bars
	tree *mpb.Progress // nil where out is no terminal
}

func newBars(out io.Writer) *bars {
	b := &bars{out: out}
	f, ok := out.(*os.File)
	if !ok || !cwriter.IsTerminal(int(f.Fd())) {
		return b
	}
	// A terminal that knows no size (a container's) would show no bar at all.
	if width, height, err := cwriter.GetSize(int(f.Fd())); err == nil && width > 0 && height > 0 {
		b.tree = mpb.New(mpb.WithOutput(out), mpb.WithWidth(40))
	}
	return b
}

// say writes one line, above the bars where there are any.
func (b *bars) say(format string, args ...any) {
	if b.tree != nil {
		fmt.Fprintf(b.tree, format+"\n", args...)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintf(b.out, format+"\n", args...)
}

// wait draws the last state; no bar may be used after it.
func (b *bars) wait() {
	if b.tree != nil {
		b.tree.Wait()
	}
}

// bar follows one file's bytes. One goroutine at a time may use it.
type bar struct {
	title string
	total int64 // 0 where unknown
	at    int64
	all   *bars
	drawn *mpb.Bar
	last  time.Time
}

// lineEvery spaces the plain lines, so that a log of a slow line stays short.
const lineEvery = 3 * time.Second

func (b *bars) start(title string, total int64) *bar {
	x := &bar{title: title, total: total, all: b, last: time.Now()}
	if b.tree == nil {
		b.say("fetching %s%s", title, of(total))
		return x
	}
	x.drawn = b.tree.AddBar(total,
		mpb.PrependDecorators(decor.Name(title, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace),
			decor.Name("  "), decor.AverageSpeed(decor.SizeB1024(0), "% .1f", decor.WCSyncSpace)))
	return x
}

func of(total int64) string {
	if total <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%.1f MB)", float64(total)/1e6)
}

// set says how many bytes are there by now.
func (x *bar) set(n int64) {
	x.at = n
	if x.drawn != nil {
		x.drawn.SetCurrent(n)
		return
	}
	if now := time.Now(); now.Sub(x.last) >= lineEvery {
		x.last = now
		if x.total > 0 {
			x.all.say("%s: %d %% of %.1f MB", x.title, 100*n/x.total, float64(x.total)/1e6)
		} else {
			x.all.say("%s: %.1f MB", x.title, float64(n)/1e6)
		}
	}
}

// expect sets a size that was learned late.
func (x *bar) expect(total int64) {
	if total <= 0 || total == x.total {
		return
	}
	x.total = total
	if x.drawn != nil {
		x.drawn.SetTotal(total, false)
	}
}

// Write counts the bytes of a stream.
func (x *bar) Write(p []byte) (int, error) {
	x.set(x.at + int64(len(p)))
	return len(p), nil
}

// end stops the bar where it is, full or aborted.
func (x *bar) end(err error) {
	switch {
	case x.drawn == nil && err == nil:
		x.all.say("%s: done (%.1f MB)", x.title, float64(x.at)/1e6)
	case x.drawn == nil:
	case err == nil:
		x.drawn.SetTotal(-1, true)
	default:
		x.drawn.Abort(false)
	}
}

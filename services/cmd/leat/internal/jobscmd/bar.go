package jobscmd

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// sayEvery spaces the lines where there is no terminal.
const sayEvery = 5 * time.Second

// bar shows progress: a bar with rate and remaining time on a terminal, a line now and then elsewhere.
type bar struct {
	out   io.Writer
	total int
	wait  bool // for answers; else for publishing
	tree  *mpb.Progress
	drawn *mpb.Bar
	begun time.Time
	said  time.Time
}

func newBar(out io.Writer, total int, wait bool) *bar {
	b := &bar{out: out, total: total, wait: wait, begun: time.Now(), said: time.Now()}
	f, ok := out.(*os.File)
	if !ok || !cwriter.IsTerminal(int(f.Fd())) {
		return b
	}
	if width, height, err := cwriter.GetSize(int(f.Fd())); err != nil || width == 0 || height == 0 {
		return b // a terminal that knows no size would show no bar at all
	}
	name := "published"
	if wait {
		name = "answered"
	}
	b.tree = mpb.New(mpb.WithOutput(out), mpb.WithWidth(40))
	b.drawn = b.tree.AddBar(int64(total),
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.CountersNoUnit("%d / %d", decor.WCSyncSpace), decor.Name("  "),
			decor.AverageSpeed(0, "%.1f/s", decor.WCSyncSpace), decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace)))
	return b
}

// at shows how far it is.
func (b *bar) at(sent, answered int) {
	n := sent
	if b.wait {
		n = answered
	}
	if b.drawn != nil {
		b.drawn.SetCurrent(int64(n))
		return
	}
	if now := time.Now(); now.Sub(b.said) >= sayEvery {
		b.said = now
		fmt.Fprintf(b.out, "%d of %d published, %d answered, %.1f/s\n", sent, b.total, answered, float64(n)/now.Sub(b.begun).Seconds())
	}
}

func (b *bar) end() {
	if b.tree == nil {
		return
	}
	b.drawn.Abort(false) // draws the last state where it is not complete
	b.tree.Wait()
}

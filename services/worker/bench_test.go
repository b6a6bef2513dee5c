package worker_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkUnary is a whole short answer over the bus with an instant engine: dispatch, frame, outcome; the NATS server
// and the test's own decoding are in the numbers.
func BenchmarkUnary(b *testing.B) {
	f := start(b, setup{engine: &scripted{run: say(1), slots: 256}})
	ends := make(chan struct{}, 1<<16)
	if _, err := f.bus.Subscribe(bus.Tokens, events.Frames.Name("gwb"), func(m *nats.Msg) {
		for range decode[inferv1.Frame](b, m).GetDeltas() {
			ends <- struct{}{}
		}
	}); err != nil {
		b.Fatal(err)
	}
	if err := f.bus.Conn(bus.Tokens).Flush(); err != nil {
		b.Fatal(err)
	}
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	o := f.order()
	o.req.Stream = false
	o.Submit.Gateway = "gwb"
	o.Submit.Body, _ = proto.Marshal(o.req)
	const window = 64
	b.ReportAllocs()
	b.ResetTimer()
	used := cpu()
	inFlight := 0
	for n := uint64(1); n <= uint64(b.N); n++ {
		o.Number, o.Submit.Sequence = n, n
		f.send(o)
		for inFlight++; inFlight >= window; inFlight-- {
			<-ends
			<-ends
		}
		select {
		case <-beat.C:
			_ = f.bus.Publish(bus.Control, events.Heartbeats.Name("gwb"), "", &inferv1.Heartbeat{})
		default:
		}
	}
	for ; inFlight > 0; inFlight-- {
		<-ends
		<-ends
	}
	b.StopTimer()
	b.ReportMetric(float64(cpu()-used)/float64(b.N)/1e3, "cpu-µs/op")
}

// BenchmarkStreamedToken is the cost of one token of many streams that step together, from the engine's Emit to the
// gateway's callback, NATS included.
func BenchmarkStreamedToken(b *testing.B) {
	for _, streams := range []int{1, 64, 1000} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			e := &scripted{slots: streams}
			outs := make(chan engine.Output, streams)
			done := make(chan struct{})
			e.run = func(_ context.Context, _ *engine.Request, out engine.Output) error {
				outs <- out
				<-done
				out.Emit(engine.Delta{Finish: engine.FinishStop})
				return nil
			}
			f := start(b, setup{engine: e})
			var got int
			frame := make(chan int, 1<<10)
			if _, err := f.bus.Subscribe(bus.Tokens, events.Frames.Name("gwb"), func(m *nats.Msg) {
				frame <- len(decode[inferv1.Frame](b, m).GetDeltas())
			}); err != nil {
				b.Fatal(err)
			}
			if err := f.bus.Conn(bus.Tokens).Flush(); err != nil {
				b.Fatal(err)
			}
			for range streams {
				o := f.order()
				o.Submit.Gateway, o.Submit.Credit = "gwb", 1<<30
				f.send(o)
			}
			var all []engine.Output
			for range streams {
				all = append(all, <-outs)
			}
			stop := make(chan struct{})
			defer close(stop)
			go func() {
				for t := time.NewTicker(time.Second); ; {
					select {
					case <-t.C:
						_ = f.bus.Publish(bus.Control, events.Heartbeats.Name("gwb"), "", &inferv1.Heartbeat{})
					case <-stop:
						return
					}
				}
			}()
			tokens := []int32{12345}
			b.ReportAllocs()
			b.ResetTimer()
			used := cpu()
			for n := 0; n < b.N; n += streams {
				e.steps.Hold()
				for _, out := range all {
					out.Emit(engine.Delta{Text: " token", Tokens: tokens})
				}
				e.steps.Release()
				for want := n + streams; got < want; {
					got += <-frame
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(cpu()-used)/float64(max(b.N, got))/1e3, "cpu-µs/op")
			close(done)
		})
	}
}

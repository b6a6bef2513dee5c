package openai_test

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// While first tokens arrive, the upstream becomes suspect: a sequence either is given up for another worker and has
// handed over nothing, or it has and goes on to its end.
func TestASequenceIsGivenUpOrBegunNeverBoth(t *testing.T) {
	const streams = 48
	given := 0
	for round := range 12 {
		s, gate, rest := newServer(t), make(chan struct{}), make(chan struct{})
		e := healthy(t, config(s.URL))
		var waiting sync.WaitGroup
		waiting.Add(streams)
		s.handle("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			waiting.Done()
			<-gate
			_, _ = io.WriteString(w, event("first"))
			w.(http.Flusher).Flush()
			<-rest
			_, _ = io.WriteString(w, event(" last")+finished+done)
		})
		sinks, errs := make([]*sink, streams), make([]error, streams)
		var group sync.WaitGroup
		for i := range streams {
			sinks[i] = newSink()
			group.Go(func() { errs[i] = e.Generate(t.Context(), chat(true), sinks[i]) })
		}
		waiting.Wait()
		s.handle("/v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		close(gate)
		for e.Stats().Healthy {
			_ = e.Generate(t.Context(), chat(false), newSink()) // fails, as it shall
		}
		time.AfterFunc(20*time.Millisecond, func() { close(rest) })
		group.Wait()
		for i, err := range errs {
			var failed *engine.Error
			switch {
			case err == nil && sinks[i].text() == "first last":
			case errors.As(err, &failed) && failed.Retry && sinks[i].count() == 0:
				given++
			default:
				t.Fatalf("round %d: %d deltas, then %+v", round, sinks[i].count(), err)
			}
		}
	}
	t.Logf("%d of %d sequences were given up", given, 12*streams)
}

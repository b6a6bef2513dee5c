package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/leathq/leat/pkg/bus"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/frames"
)

// letGo is how long an engine may take to end sequences that were stopped.
const letGo = time.Second

func (m *member) draining() bool {
	s, _ := m.state()
	return leaves(s)
}

// leaves says whether a state is one of a worker that leaves or has left.
func leaves(s inferv1.WorkerState) bool {
	return s == inferv1.WorkerState_WORKER_STATE_DRAINING || s == inferv1.WorkerState_WORKER_STATE_GONE
}

// retire leaves the fleet: nothing new is taken, what has not started is handed back at once, what runs may finish
// within the departure's grace and is then ended with a typed error; the last report says gone. Once ctx has ended the host's
// own drain deadline counts, too.
func (m *member) retire(ctx context.Context, d departure) error {
	defer m.worker.member.Store(nil)
	defer m.worker.left.Store(true)
	m.become(inferv1.WorkerState_WORKER_STATE_DRAINING, d.note)
	n, _ := m.table.Held()
	end := d.end()
	m.log.Info("draining", "held", n, "grace", max(0, time.Until(end).Round(time.Millisecond)).String())
	m.kick()
	m.handBack()
	err := m.finish(ctx, end)
	m.close()
	m.become(inferv1.WorkerState_WORKER_STATE_GONE, "")
	m.report()
	m.flush()
	m.log.Info("left the fleet")
	return err
}

// finish waits for the sequences, ends those that outlast the grace, and gives the engine a moment to let go of them.
func (m *member) finish(ctx context.Context, end time.Time) error {
	done := make(chan struct{})
	go func() { m.working.Wait(); close(done) }()
	if m.waitFor(ctx, done, end) {
		return nil
	}
	late := m.table.Active()
	m.log.Warn("grace period is over", "cut", len(late))
	for _, s := range late {
		s.Out.Fail(frames.Failure{Error: errDraining, Elsewhere: true}, nil)
		m.stop(s, errDraining)
	}
	if within(done, letGo) {
		return nil
	}
	if err := m.engine.Close(); err != nil {
		m.log.Error("engine did not close cleanly", "error", err)
	}
	if within(done, letGo) {
		return nil
	}
	n, _ := m.table.Held()
	return fmt.Errorf("the engine still held %d sequences %s after they were stopped", n, 2*letGo)
}

// waitFor waits for done, until end at most, once ctx has ended for no longer than the host waits for this service, and no
// longer than the machine is there.
func (m *member) waitFor(ctx context.Context, done <-chan struct{}, end time.Time) bool {
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	stop := ctx.Done()
	for {
		select {
		case <-done:
			return true
		case <-timer.C:
			return false
		case d := <-m.worker.notices.taken:
			m.become(inferv1.WorkerState_WORKER_STATE_DRAINING, d.note)
			m.kick()
			end = earlier(end, d.end())
		case <-stop:
			stop = nil
			if host := m.worker.deps.DrainTimeout; host > 0 {
				end = earlier(end, time.Now().Add(host-farewell))
			}
		}
		timer.Reset(max(0, time.Until(end)))
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func within(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// flush waits until the server has what was published last. Without a server there is nobody to tell.
func (m *member) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, l := range []bus.Lane{bus.Tokens, bus.Control} {
		if err := m.bus.Conn(l).FlushWithContext(ctx); err != nil {
			m.log.Warn("last messages may be lost", "error", err)
		}
	}
}

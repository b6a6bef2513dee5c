package worker

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// reportLoop reports 4 times a second, and at once when the load class changes.
func (m *member) reportLoop() {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	gap := time.NewTimer(0)
	defer gap.Stop()
	for {
		select {
		case <-tick.C:
		case <-m.changed:
			select { // a worker at the edge of full must not flood every router
			case <-gap.C:
			case <-m.life.Done():
				return
			}
			tick.Reset(reportEvery)
		case <-m.life.Done():
			return
		}
		gap.Reset(reportGap)
		m.refresh()
		m.report()
	}
}

// report publishes one report now.
func (m *member) report() {
	r := m.snapshot()
	r.Number = m.number.Add(1)
	if err := m.bus.Publish(events.Reports.Lane, events.Reports.Name(m.pool, m.name), "", r); err != nil {
		m.log.Warn("report not sent", "error", err)
	}
}

// snapshot is the report that would be sent now, without a number of its own.
func (m *member) snapshot() *inferv1.Report {
	s, id := m.engine.Stats(), m.identity.get()
	state, note := m.state()
	n, _ := m.table.Held()
	r := &inferv1.Report{
		Worker: m.name, Pool: m.pool, Number: m.number.Load(), StartedUnixNanos: m.started.UnixNano(), State: state, StateNote: note,
		Models: id.names, DescriptionDigest: id.description.GetDigest(), Engine: id.info.Engine,
		Slots: uint32(m.slots.Load()), Held: uint32(n), Running: count(s.Running), Waiting: count(s.Waiting),
		QueuedTokens: uint64(max(s.QueuedTokens, 0)), KvUse: s.KVUse, PrefillRate: s.PrefillRate, DecodeRate: s.DecodeRate,
		Steps: s.Steps, PromptTokens: s.PromptTokens, CachedTokens: s.CachedTokens, OutputTokens: s.OutputTokens,
		Weight: uint32(m.worker.cfg.Weight), Gpus: reportGPUs(m.worker.snapshotGPUs()),
	}
	for _, h := range m.table.Holdings() {
		r.Holdings = append(r.Holdings, &inferv1.Holding{Router: h.Router, Highest: h.Highest, Numbers: h.Numbers})
	}
	return r
}

func count(n int) uint32 { return uint32(max(n, 0)) }

// refresh notices when the engine serves something else than before, or more of it.
func (m *member) refresh() {
	info := m.engine.Info()
	m.identity.refresh(m.name, m.pool, m.identity.get().base, info, m.started)
	if n := int64(m.worker.cfg.slotsOf(info)); m.slots.Swap(n) != n {
		m.table.Resize(int(n) + m.worker.cfg.Overcommit)
		m.classify()
	}
}

// judge follows the engine's health. What has not started is handed back when it fails.
func (m *member) judge(s engine.Stats, stuck int) {
	note := ""
	switch {
	case !s.Healthy && s.HealthMessage != "":
		note = s.HealthMessage
	case !s.Healthy:
		note = "the engine is not healthy"
	case stuck > 0:
		note = "the engine does not let go of sequences that were stopped"
	}
	if note == "" {
		if m.become(inferv1.WorkerState_WORKER_STATE_READY, m.worker.notices.said()) {
			state, _ := m.state()
			m.log.Info("worker is " + stateName(state))
			m.kick()
		}
		return
	}
	if m.become(inferv1.WorkerState_WORKER_STATE_UNHEALTHY, note) {
		m.log.Error("worker is unhealthy", "reason", note)
		m.handBack()
		m.kick()
	}
}

// handBack gives the routers what has not emitted anything yet.
func (m *member) handBack() {
	for _, s := range m.table.Active() {
		if s.Out.SealUnstarted() {
			m.stop(s, errHandedBack)
		}
	}
}

// deterministic encodes equal messages equally, for digests.
var deterministic = proto.MarshalOptions{Deterministic: true}

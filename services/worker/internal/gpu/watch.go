package gpu

import (
	"context"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"
)

const (
	every       = time.Second      // between two samples
	fresh       = 10 * time.Second // an older sample is none: the driver hangs
	again       = 30 * time.Second // between two attempts to find a lost card
	patience    = 2 * time.Second  // for a call into the driver when the worker stops
	maxEvents   = 64               // read at one sample
	unreachable = "the driver does not list the GPU any more"
)

// Options are what a Watcher needs.
type Options struct {
	Log *slog.Logger
	// Open finds NVML; nil is the machine's own. An error means that there is no driver, and says what is missing.
	Open func() (Library, error)
	// Visible is CUDA_VISIBLE_DEVICES, and VisibleSet whether there is such a variable.
	Visible    string
	VisibleSet bool
}

// Watcher samples the cards once a second. Snapshot may be called by anybody at any time.
type Watcher struct {
	log    *slog.Logger
	open   func() (Library, error)
	picked selection
	now    atomic.Pointer[Snapshot]

	// The rest belongs to the goroutine that samples.
	lib    Library
	up     bool // lib is initialised
	driver string
	cards  []*card // all that were ever seen
	events Events  // nil: none
	sought time.Time
}

// card is a GPU that was seen once, with what is counted over its losses.
type card struct {
	id     GPU    // what does not change
	device Device // nil: lost
	fault  string // as last logged
	energy meter
	xids   map[uint64]uint64
	last   uint64
}

// New makes a watcher. It opens nothing; Run does.
func New(o Options) *Watcher {
	w := &Watcher{log: o.Log, open: o.Open, picked: parseSelection(o.Visible, o.VisibleSet)}
	if w.open == nil {
		w.open = Native
	}
	return w
}

// Snapshot is the last sample, or nil where there is no driver or it has not answered for 10 s.
func (w *Watcher) Snapshot() *Snapshot {
	s := w.now.Load()
	if s == nil || time.Since(s.At) > fresh {
		return nil
	}
	return s
}

// Run samples until ctx ends; it returns at once where there is no driver. A call into the driver that hangs then is
// left behind after two seconds.
func (w *Watcher) Run(ctx context.Context) {
	lib, err := w.open()
	if err != nil {
		w.log.Info("no GPU telemetry: there is no NVIDIA driver", "reason", err)
		return
	}
	w.lib = lib
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(ctx)
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(patience):
		w.log.Warn("the NVIDIA driver does not answer; its call is left behind")
	}
}

func (w *Watcher) run(ctx context.Context) {
	if ret := w.seek(); ret != Success {
		w.log.Info("no GPU telemetry: the NVIDIA driver does not work here", "reason", ret.String())
		return
	}
	defer w.leave()
	if len(w.cards) == 0 {
		w.log.Info("no GPU telemetry: there is no GPU that this worker may use", "driver", w.driver)
		return
	}
	w.log.Info("watching GPUs", "gpus", len(w.cards), "driver", w.driver)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		w.sample()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if w.lost() && time.Since(w.sought) >= again {
			w.leave()
			w.seek() // what is still lost stays so until the next time
		}
	}
}

// seek initialises NVML and finds the cards.
func (w *Watcher) seek() Return {
	w.sought = time.Now()
	if ret := w.lib.Init(); ret != Success {
		return ret
	}
	w.up = true
	if v, ret := w.lib.DriverVersion(); ret == Success {
		w.driver = v
	}
	n, ret := w.lib.Count()
	if ret != Success {
		w.leave()
		return ret
	}
	for i := range n {
		if d, ret := w.lib.Device(i); ret == Success {
			w.meet(i, d)
		} else {
			w.log.Warn("a GPU cannot be opened", "gpu", i, "reason", ret.String())
		}
	}
	var watched []Device
	for _, c := range w.cards {
		if c.device != nil {
			watched = append(watched, c.device)
		}
	}
	if e, ret := w.lib.Watch(watched); ret == Success {
		w.events = e
	}
	return Success
}

// meet takes a card into the books, or back into them.
func (w *Watcher) meet(index int, d Device) {
	uuid, ret := d.UUID()
	if ret != Success || !w.mine(index, uuid, d) {
		return
	}
	for _, c := range w.cards {
		if c.id.UUID == uuid {
			c.device, c.id.Index = d, index
			return
		}
	}
	c := &card{id: GPU{Index: index, Minor: index, UUID: uuid}, device: d, xids: map[uint64]uint64{}}
	if name, ret := d.Name(); ret == Success {
		c.id.Name = name
	}
	if bus, ret := d.Bus(); ret == Success {
		c.id.Bus = bus
	}
	if minor, ret := d.Minor(); ret == Success {
		c.id.Minor = minor
	}
	w.cards = append(w.cards, c)
}

// mine tells whether the engine may use a card, or a part of it.
func (w *Watcher) mine(index int, uuid string, d Device) bool {
	mine := w.picked.card(index, uuid)
	if !mine {
		(&reader{device: d}).instances(func(_ Device, part string) { mine = mine || w.picked.part(part) })
	}
	return mine
}

// leave ends NVML, and with it all handles.
func (w *Watcher) leave() {
	if w.events != nil {
		w.events.Close()
		w.events = nil
	}
	for _, c := range w.cards {
		c.device = nil
	}
	if w.up {
		w.lib.Shutdown()
		w.up = false
	}
}

func (w *Watcher) lost() bool {
	for _, c := range w.cards {
		if c.device == nil || c.fault != "" {
			return true
		}
	}
	return false
}

// sample reads all cards and publishes what they said.
func (w *Watcher) sample() {
	w.drain()
	s := &Snapshot{Driver: w.driver, GPUs: make([]GPU, 0, len(w.cards))}
	for _, c := range w.cards {
		s.GPUs = append(s.GPUs, w.look(c))
	}
	s.At = time.Now()
	w.now.Store(s)
}

// look reads one card.
func (w *Watcher) look(c *card) GPU {
	g, fault := c.id, unreachable
	if c.device != nil {
		fault = ""
		if ret := read(c.device, &g, w.picked); ret != Success {
			g, fault = c.id, ret.String()
		}
	}
	if fault != "" && c.fault == "" {
		w.log.Warn("GPU lost", "gpu", g.Index, "uuid", g.UUID, "reason", fault)
	}
	if fault == "" && c.fault != "" {
		w.log.Info("GPU is back", "gpu", g.Index, "uuid", g.UUID)
	}
	c.fault = fault
	g.Fault = fault
	c.energy.read(g.DriverEnergy)
	g.Energy, g.LastXID, g.XIDs = c.energy.total, c.last, maps.Clone(c.xids)
	return g
}

// drain counts the XID errors since the last sample.
func (w *Watcher) drain() {
	for range maxEvents {
		if w.events == nil {
			return
		}
		e, ret := w.events.Next()
		if ret != Success {
			return
		}
		for _, c := range w.cards {
			if c.device == e.Device {
				c.xids[e.XID]++
				c.last = e.XID
				w.log.Warn("GPU reports an XID error", "gpu", c.id.Index, "uuid", c.id.UUID, "xid", e.XID)
			}
		}
	}
}

// meter counts energy over the driver's reloads, after which the driver's own counter starts again.
type meter struct {
	last  Value
	total Value
}

// read takes the counter's next value. A lower one has started from 0, as for a counter of Prometheus.
func (m *meter) read(v Value) {
	if !v.Known {
		return
	}
	switch {
	case !m.last.Known:
		m.total.Known = true
	case v.Value < m.last.Value:
		m.total.Value += v.Value
	default:
		m.total.Value += v.Value - m.last.Value
	}
	m.last = v
}

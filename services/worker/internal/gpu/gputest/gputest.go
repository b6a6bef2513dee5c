// Package gputest is a machine with GPUs that a test breaks as it likes. It is written by hand; that the package gpu
// meets NVIDIA's own interface as well is for other tests, which need a C compiler.
package gputest

import (
	"fmt"
	"sync"

	"github.com/leathq/leat/services/worker/internal/gpu"
)

// Machine is a library with cards. Its fields and those of its cards are read and changed under Do.
type Machine struct {
	mu     sync.Mutex
	Cards  []*Card
	Fails  gpu.Return // of Init
	Inits  int
	Open   int           // Inits without a Shutdown
	Hang   chan struct{} // calls for a card's load wait for it to be closed; nil: they do not
	events []gpu.Event
}

// Card is a GPU.
type Card struct {
	machine     *Machine
	Index       int
	Fails       gpu.Return // every call
	Util        uint32
	UtilFails   gpu.Return
	Mem         gpu.Memory
	Temp, Watts uint32
	Millijoules uint64
	Bits        uint64
	Procs       []gpu.Process
	Parts       []*Part
}

// Part is a MIG instance.
type Part struct {
	*Card
	ID      uint32
	Profile string
	PartMem gpu.Memory
}

// New makes a machine with n equal cards of 80 GiB.
func New(n int) *Machine {
	m := new(Machine)
	for i := range n {
		m.Cards = append(m.Cards, &Card{
			machine: m, Index: i, Util: 50, Mem: gpu.Memory{Total: 80 << 30, Used: 20 << 30, Free: 59 << 30, Reserved: 1 << 30},
			Temp: 60, Watts: 300, Millijoules: 1_000_000,
		})
	}
	return m
}

// Options open this machine.
func (m *Machine) Options() gpu.Options {
	return gpu.Options{Open: func() (gpu.Library, error) { return m, nil }}
}

// Do changes the machine between two calls into it.
func (m *Machine) Do(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// XID lets a card report an error.
func (m *Machine) XID(card int, xid uint64) {
	m.Do(func() { m.events = append(m.events, gpu.Event{Device: m.Cards[card], XID: xid}) })
}

// Init implements gpu.Library.
func (m *Machine) Init() gpu.Return {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Fails == gpu.Success {
		m.Inits++
		m.Open++
	}
	return m.Fails
}

// Shutdown implements gpu.Library.
func (m *Machine) Shutdown() { m.Do(func() { m.Open-- }) }

// DriverVersion implements gpu.Library.
func (m *Machine) DriverVersion() (string, gpu.Return) { return "570.1", gpu.Success }

// Count implements gpu.Library.
func (m *Machine) Count() (int, gpu.Return) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.Cards), gpu.Success
}

// Device implements gpu.Library.
func (m *Machine) Device(i int) (gpu.Device, gpu.Return) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Cards[i], m.Cards[i].Fails
}

// Watch implements gpu.Library.
func (m *Machine) Watch([]gpu.Device) (gpu.Events, gpu.Return) { return m, gpu.Success }

// Next implements gpu.Events.
func (m *Machine) Next() (gpu.Event, gpu.Return) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.events) == 0 {
		return gpu.Event{}, gpu.TimedOut
	}
	e := m.events[0]
	m.events = m.events[1:]
	return e, gpu.Success
}

// Close implements gpu.Events.
func (m *Machine) Close() {}

// say is an answer of a card: v, unless it fails.
func say[T any](c *Card, v func() T) (T, gpu.Return) {
	c.machine.mu.Lock()
	defer c.machine.mu.Unlock()
	return v(), c.Fails
}

// UUID implements gpu.Device.
func (c *Card) UUID() (string, gpu.Return) {
	return say(c, func() string { return fmt.Sprintf("GPU-%04d", c.Index) })
}

// Name implements gpu.Device.
func (c *Card) Name() (string, gpu.Return) {
	return say(c, func() string { return "NVIDIA H100 80GB HBM3" })
}

// Bus implements gpu.Device.
func (c *Card) Bus() (string, gpu.Return) {
	return say(c, func() string { return fmt.Sprintf("00000000:%02X:00.0", c.Index) })
}

// Minor implements gpu.Device.
func (c *Card) Minor() (int, gpu.Return) { return say(c, func() int { return c.Index }) }

// Utilization implements gpu.Device.
func (c *Card) Utilization() (busy, memory uint32, _ gpu.Return) {
	c.machine.mu.Lock()
	hang := c.machine.Hang
	c.machine.mu.Unlock()
	if hang != nil {
		<-hang
	}
	u, ret := say(c, func() uint32 { return c.Util })
	if ret == gpu.Success {
		ret = c.UtilFails
	}
	return u, u / 2, ret
}

// Memory implements gpu.Device.
func (c *Card) Memory() (gpu.Memory, gpu.Return) { return say(c, func() gpu.Memory { return c.Mem }) }

// Temperature implements gpu.Device.
func (c *Card) Temperature() (uint32, gpu.Return) { return say(c, func() uint32 { return c.Temp }) }

// Power implements gpu.Device.
func (c *Card) Power() (uint32, gpu.Return) { return say(c, func() uint32 { return 1000 * c.Watts }) }

// Energy implements gpu.Device.
func (c *Card) Energy() (uint64, gpu.Return) { return say(c, func() uint64 { return c.Millijoules }) }

// Clock implements gpu.Device.
func (c *Card) Clock(k gpu.Clock) (uint32, gpu.Return) {
	return say(c, func() uint32 { return 1000 * uint32(k) })
}

// Throttle implements gpu.Device.
func (c *Card) Throttle() (uint64, gpu.Return) { return say(c, func() uint64 { return c.Bits }) }

// Processes implements gpu.Device.
func (c *Card) Processes() ([]gpu.Process, gpu.Return) {
	return say(c, func() []gpu.Process { return c.Procs })
}

// MIGMode implements gpu.Device.
func (c *Card) MIGMode() (bool, gpu.Return) { return say(c, func() bool { return len(c.Parts) > 0 }) }

// MIGSlots implements gpu.Device.
func (c *Card) MIGSlots() (int, gpu.Return) { return 7, gpu.Success }

// MIGDevice implements gpu.Device.
func (c *Card) MIGDevice(i int) (gpu.Device, gpu.Return) {
	c.machine.mu.Lock()
	defer c.machine.mu.Unlock()
	if i >= len(c.Parts) {
		return nil, gpu.NotFound
	}
	return c.Parts[i], c.Fails
}

// GPUInstance implements gpu.Device.
func (c *Card) GPUInstance() (uint32, gpu.Return) { return gpu.NoInstance, gpu.NotSupported }

// UUID implements gpu.Device.
func (p *Part) UUID() (string, gpu.Return) {
	return say(p.Card, func() string { return fmt.Sprintf("MIG-%04d-%d", p.Index, p.ID) })
}

// Name implements gpu.Device.
func (p *Part) Name() (string, gpu.Return) {
	return say(p.Card, func() string { return "NVIDIA H100 80GB HBM3 MIG " + p.Profile })
}

// Memory implements gpu.Device.
func (p *Part) Memory() (gpu.Memory, gpu.Return) {
	return say(p.Card, func() gpu.Memory { return p.PartMem })
}

// GPUInstance implements gpu.Device.
func (p *Part) GPUInstance() (uint32, gpu.Return) {
	return say(p.Card, func() uint32 { return p.ID })
}

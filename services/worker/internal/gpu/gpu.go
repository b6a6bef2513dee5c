// Package gpu samples the machine's NVIDIA GPUs for a worker: load, memory, temperature, power, energy, clocks, throttling,
// XID errors, MIG instances and processes. It asks NVIDIA's NVML, which comes with the driver and is loaded at run time.
//
// The package refuses to need a driver: without one there is a line in the log and nothing else. It changes nothing on a
// GPU, and it never waits for one: what a hung driver does not answer is missing, and nobody who asks here stands still.
package gpu

import "time"

// Value is a number that a GPU may not have.
type Value struct {
	Value float64
	Known bool
}

// GPU is one card, as it was at the last sample.
type GPU struct {
	Index int    // NVML's, in the order of PCI addresses
	Minor int    // N of /dev/nvidiaN
	UUID  string // GPU-…
	Name  string // NVIDIA H100 80GB HBM3
	Bus   string // PCI address
	Fault string // why it cannot be read; empty where it can. Everything below is empty then, but for what is counted

	Utilization       Value // share of the driver's last period in which a kernel ran, 0–1; unknown with MIG
	MemoryUtilization Value // share in which memory was read or written, 0–1; unknown with MIG
	Temperature       Value // °C
	Power             Value // W
	DriverEnergy      Value // J since the driver was loaded: starts again with it
	SMClock           Value // Hz
	MemoryClock       Value // Hz
	Throttle          Mask
	Memory            Memory
	Processes         []Process
	MIG               []MIG

	Energy  Value             // J since the worker looks, over reloads of the driver
	LastXID uint64            // 0: none
	XIDs    map[uint64]uint64 // how often each came; must not be changed
}

// Memory is that of a card or an instance, in bytes; a Total of 0 is unknown. Used does not have what is reserved, where
// the driver tells them apart.
type Memory struct{ Total, Used, Free, Reserved uint64 }

// Mask has a bit for each reason why the clocks are lower than they could be.
type Mask struct {
	Bits  uint64
	Known bool
}

// Process has memory on a card.
type Process struct {
	PID      uint32 // as the driver sees it, which in a container may be another than one's own
	Memory   uint64 // bytes; 0 is unknown
	Instance uint32 // MIG's GPU instance, or NoInstance
}

// NoInstance is the instance of what belongs to a whole card.
const NoInstance = ^uint32(0)

// MIG is a part of a card that programs see as a card of their own.
type MIG struct {
	UUID     string // MIG-…
	Profile  string // 1g.5gb
	Instance uint32 // the GPU instance's number on its card
	Memory   Memory
}

// Snapshot is all cards at one time. It does not change once it is published.
type Snapshot struct {
	At     time.Time
	Driver string // version
	GPUs   []GPU
}

// reasons are the bits of a Mask (nvml.h, nvmlClocksEventReasons), by the names of our metrics.
var reasons = []struct {
	Bit  uint64
	Name string
}{
	{0x1, "idle"},
	{0x2, "application_clocks"},
	{0x4, "power_cap"},
	{0x8, "hardware_slowdown"},
	{0x10, "sync_boost"},
	{0x20, "software_thermal"},
	{0x40, "hardware_thermal"},
	{0x80, "power_brake"},
	{0x100, "display_clocks"},
}

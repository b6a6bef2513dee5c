package gpu

import (
	"math"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Collector shows a watcher's last sample to Prometheus: under Leat's names in base units, and under those of NVIDIA's
// dcgm-exporter with its labels and units, so that dashboards made for it work.
type Collector struct {
	watcher *Watcher
	host    string
}

// NewCollector makes a collector. host is the label Hostname of dcgm-exporter's series.
func NewCollector(w *Watcher, host string) *Collector { return &Collector{watcher: w, host: host} }

// series is one number of a card under one name.
type series struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*GPU) Value
}

func leat(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("leat_worker_gpu_"+name, help, append([]string{"gpu", "uuid"}, more...), nil)
}

var (
	descUp       = leat("up", "1 for a GPU that can be read, 0 for one that is lost.")
	descInfo     = leat("info", "1, with what does not change of a GPU.", "name", "pci_bus_id", "driver")
	descThrottle = leat("throttled", "1 for each reason why a GPU's clocks are lower than they could be, else 0.", "reason")
	descXID      = leat("xid_errors_total", "XID errors that the driver reported while the worker looked, by number.", "xid")
	descProcs    = leat("processes", "Processes that compute on a GPU.")
	descProcMem  = leat("process_memory_bytes", "Memory of a GPU that a process has.", "pid", "gpu_instance")
	descMIGUsed  = leat("mig_memory_used_bytes", "Memory of a MIG instance that is in use.", "mig_uuid", "profile", "gpu_instance")
	descMIGTotal = leat("mig_memory_total_bytes", "Memory of a MIG instance.", "mig_uuid", "profile", "gpu_instance")
	descClock    = leat("clock_hertz", "Clock of the compute units (sm) and of the memory.", "clock")
)

var leatSeries = []series{
	{leat("utilization_ratio", "Share of the last moments in which a kernel ran on a GPU; none with MIG."), prometheus.GaugeValue,
		func(g *GPU) Value { return g.Utilization }},
	{leat("memory_utilization_ratio", "Share of the last moments in which a GPU's memory was read or written; none with MIG."), prometheus.GaugeValue,
		func(g *GPU) Value { return g.MemoryUtilization }},
	{leat("memory_used_bytes", "Memory of a GPU that is in use."), prometheus.GaugeValue,
		func(g *GPU) Value { return g.memory(g.Memory.Used) }},
	{leat("memory_total_bytes", "Memory of a GPU."), prometheus.GaugeValue,
		func(g *GPU) Value { return g.memory(g.Memory.Total) }},
	{leat("memory_reserved_bytes", "Memory of a GPU that the driver keeps for itself."), prometheus.GaugeValue,
		func(g *GPU) Value { return g.memory(g.Memory.Reserved) }},
	{leat("temperature_celsius", "Temperature of a GPU's chip."), prometheus.GaugeValue,
		func(g *GPU) Value { return g.Temperature }},
	{leat("power_watts", "Power that a GPU draws."), prometheus.GaugeValue,
		func(g *GPU) Value { return g.Power }},
	{leat("energy_joules_total", "Energy that a GPU used while the worker looked."), prometheus.CounterValue,
		func(g *GPU) Value { return g.Energy }},
}

const mib = 1.0 / (1 << 20)

func dcgm(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("DCGM_FI_DEV_"+name, help,
		[]string{"gpu", "UUID", "pci_bus_id", "device", "modelName", "GPU_I_PROFILE", "GPU_I_ID", "Hostname", "DCGM_FI_DRIVER_VERSION"}, nil)
}

var (
	descUsed     = dcgm("FB_USED", "Framebuffer memory used (in MiB).")
	descFree     = dcgm("FB_FREE", "Framebuffer memory free (in MiB).")
	descReserved = dcgm("FB_RESERVED", "Framebuffer memory reserved (in MiB).")
)

// dcgmSeries are those of dcgm-exporter's default counters that NVML knows (etc/default-counters.csv), and the reasons of
// throttling under their old and their new name.
var dcgmSeries = []series{
	{dcgm("SM_CLOCK", "SM clock frequency (in MHz)."), prometheus.GaugeValue, func(g *GPU) Value { return in(g.SMClock, 1e-6) }},
	{dcgm("MEM_CLOCK", "Memory clock frequency (in MHz)."), prometheus.GaugeValue, func(g *GPU) Value { return in(g.MemoryClock, 1e-6) }},
	{dcgm("GPU_TEMP", "GPU temperature (in C)."), prometheus.GaugeValue, func(g *GPU) Value { return g.Temperature }},
	{dcgm("POWER_USAGE", "Power draw (in W)."), prometheus.GaugeValue, func(g *GPU) Value { return g.Power }},
	{dcgm("TOTAL_ENERGY_CONSUMPTION", "Total energy consumption since the driver was loaded (in mJ)."), prometheus.CounterValue,
		func(g *GPU) Value { return in(g.DriverEnergy, 1e3) }},
	{dcgm("GPU_UTIL", "GPU utilization (in %)."), prometheus.GaugeValue, func(g *GPU) Value { return in(g.Utilization, 100) }},
	{dcgm("MEM_COPY_UTIL", "Memory utilization (in %)."), prometheus.GaugeValue, func(g *GPU) Value { return in(g.MemoryUtilization, 100) }},
	{dcgm("XID_ERRORS", "Value of the last XID error encountered."), prometheus.GaugeValue,
		func(g *GPU) Value { return Value{float64(g.LastXID), true} }},
	{dcgm("CLOCK_THROTTLE_REASONS", "Bits of the reasons for lower clocks."), prometheus.GaugeValue, throttle},
	{dcgm("CLOCKS_EVENT_REASONS", "Bits of the reasons for lower clocks."), prometheus.GaugeValue, throttle},
}

func throttle(g *GPU) Value { return Value{float64(g.Throttle.Bits), g.Throttle.Known} }

// in converts to a unit in which the driver's numbers are whole.
func in(v Value, unit float64) Value { return Value{math.Round(v.Value * unit), v.Known} }

func (g *GPU) memory(n uint64) Value { return Value{float64(n), g.Memory.Total > 0} }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descUp, descInfo, descThrottle, descXID, descProcs, descProcMem, descMIGUsed, descMIGTotal, descClock, descUsed, descFree, descReserved,
	} {
		ch <- d
	}
	for _, s := range leatSeries {
		ch <- s.desc
	}
	for _, s := range dcgmSeries {
		ch <- s.desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	s := c.watcher.Snapshot()
	if s == nil {
		return
	}
	for i := range s.GPUs {
		g := &s.GPUs[i]
		e := emitter{ch, []string{strconv.Itoa(g.Index), g.UUID}}
		e.leat(g, s.Driver)
		if g.Fault == "" { // dcgm-exporter says nothing of a lost card, either
			c.dcgm(ch, g, s.Driver)
		}
	}
}

// emitter sends series of one card.
type emitter struct {
	ch     chan<- prometheus.Metric
	labels []string
}

func (e emitter) send(d *prometheus.Desc, kind prometheus.ValueType, v Value, more ...string) {
	if v.Known {
		e.ch <- prometheus.MustNewConstMetric(d, kind, v.Value, append(e.labels[:len(e.labels):len(e.labels)], more...)...)
	}
}

func known(n uint64) Value { return Value{float64(n), true} }

func flag(b bool) Value {
	if b {
		return known(1)
	}
	return known(0)
}

func (e emitter) leat(g *GPU, driver string) {
	e.send(descUp, prometheus.GaugeValue, flag(g.Fault == ""))
	e.send(descInfo, prometheus.GaugeValue, known(1), g.Name, g.Bus, driver)
	for _, s := range leatSeries {
		e.send(s.desc, s.kind, s.of(g))
	}
	e.send(descClock, prometheus.GaugeValue, g.SMClock, "sm")
	e.send(descClock, prometheus.GaugeValue, g.MemoryClock, "memory")
	for xid, n := range g.XIDs {
		e.send(descXID, prometheus.CounterValue, known(n), strconv.FormatUint(xid, 10))
	}
	if g.Fault != "" {
		return
	}
	if g.Throttle.Known {
		for _, r := range reasons {
			e.send(descThrottle, prometheus.GaugeValue, flag(g.Throttle.Bits&r.Bit != 0), r.Name)
		}
	}
	e.send(descProcs, prometheus.GaugeValue, known(uint64(len(g.Processes))))
	for _, p := range g.Processes {
		if p.Memory > 0 {
			e.send(descProcMem, prometheus.GaugeValue, known(p.Memory), strconv.FormatUint(uint64(p.PID), 10), instance(p.Instance))
		}
	}
	for _, m := range g.MIG {
		e.send(descMIGUsed, prometheus.GaugeValue, known(m.Memory.Used), m.UUID, m.Profile, instance(m.Instance))
		e.send(descMIGTotal, prometheus.GaugeValue, known(m.Memory.Total), m.UUID, m.Profile, instance(m.Instance))
	}
}

func instance(id uint32) string {
	if id == NoInstance {
		return ""
	}
	return strconv.FormatUint(uint64(id), 10)
}

// dcgm sends what dcgm-exporter would. A card's memory is that of its MIG instances where there are some, so that a sum
// over all series counts it once.
func (c *Collector) dcgm(ch chan<- prometheus.Metric, g *GPU, driver string) {
	labels := func(profile, id string) emitter {
		return emitter{ch, []string{strconv.Itoa(g.Index), g.UUID, g.Bus, "nvidia" + strconv.Itoa(g.Minor), g.Name, profile, id, c.host, driver}}
	}
	e := labels("", "")
	for _, s := range dcgmSeries {
		e.send(s.desc, s.kind, s.of(g))
	}
	if len(g.MIG) == 0 {
		e.framebuffer(g.Memory)
	}
	for _, m := range g.MIG {
		labels(m.Profile, instance(m.Instance)).framebuffer(m.Memory)
	}
}

func (e emitter) framebuffer(m Memory) {
	mib := func(n uint64) Value { return Value{math.Floor(float64(n) * mib), m.Total > 0} }
	e.send(descUsed, prometheus.GaugeValue, mib(m.Used))
	e.send(descFree, prometheus.GaugeValue, mib(m.Free))
	e.send(descReserved, prometheus.GaugeValue, mib(m.Reserved))
}

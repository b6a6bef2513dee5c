//go:build cgo

package gpu_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"

	"github.com/leathq/leat/services/worker/internal/gpu"
)

// nvidia is NVIDIA's own Go interface to NVML as ours.
type nvidia struct{ *dgx }

func (n nvidia) Init() gpu.Return { return gpu.Return(n.dgx.Init()) }
func (n nvidia) Shutdown()        { n.dgx.Shutdown() }
func (n nvidia) DriverVersion() (string, gpu.Return) {
	v, ret := n.SystemGetDriverVersion()
	return v, gpu.Return(ret)
}
func (n nvidia) Count() (int, gpu.Return) {
	c, ret := n.DeviceGetCount()
	return c, gpu.Return(ret)
}
func (n nvidia) Device(i int) (gpu.Device, gpu.Return) {
	d, ret := n.DeviceGetHandleByIndex(i)
	return device{d}, gpu.Return(ret)
}
func (n nvidia) Watch(cards []gpu.Device) (gpu.Events, gpu.Return) {
	set, ret := n.EventSetCreate()
	for _, c := range cards {
		c.(device).RegisterEvents(nvml.EventTypeXidCriticalError, set)
	}
	return eventSet{set, n.dgx}, gpu.Return(ret)
}

type eventSet struct {
	nvml.EventSet
	dgx *dgx
}

func (e eventSet) Next() (gpu.Event, gpu.Return) {
	e.dgx.mu.Lock()
	defer e.dgx.mu.Unlock()
	d, ret := e.Wait(0)
	return gpu.Event{Device: device{d.Device}, XID: d.EventData}, gpu.Return(ret)
}
func (e eventSet) Close() {
	e.dgx.mu.Lock()
	defer e.dgx.mu.Unlock()
	e.Free()
}

type device struct{ nvml.Device }

func as[T any](v T, ret nvml.Return) (T, gpu.Return) { return v, gpu.Return(ret) }

func (d device) UUID() (string, gpu.Return) { return as(d.GetUUID()) }
func (d device) Name() (string, gpu.Return) { return as(d.GetName()) }
func (d device) Minor() (int, gpu.Return)   { return as(d.GetMinorNumber()) }
func (d device) Bus() (string, gpu.Return) {
	p, ret := d.GetPciInfo()
	id := make([]byte, 0, len(p.BusId))
	for _, c := range p.BusId {
		if c != 0 {
			id = append(id, c)
		}
	}
	return string(id), gpu.Return(ret)
}
func (d device) Utilization() (busy, memory uint32, _ gpu.Return) {
	u, ret := d.GetUtilizationRates()
	return u.Gpu, u.Memory, gpu.Return(ret)
}
func (d device) Memory() (gpu.Memory, gpu.Return) {
	m, ret := d.GetMemoryInfo()
	return gpu.Memory{Total: m.Total, Used: m.Used, Free: m.Free}, gpu.Return(ret)
}
func (d device) Temperature() (uint32, gpu.Return)      { return as(d.GetTemperature(nvml.TEMPERATURE_GPU)) }
func (d device) Power() (uint32, gpu.Return)            { return as(d.GetPowerUsage()) }
func (d device) Energy() (uint64, gpu.Return)           { return as(d.GetTotalEnergyConsumption()) }
func (d device) Clock(c gpu.Clock) (uint32, gpu.Return) { return as(d.GetClockInfo(nvml.ClockType(c))) }
func (d device) Throttle() (uint64, gpu.Return)         { return as(d.GetCurrentClocksEventReasons()) }
func (d device) Processes() ([]gpu.Process, gpu.Return) {
	infos, ret := d.GetComputeRunningProcesses()
	var out []gpu.Process
	for _, p := range infos {
		out = append(out, gpu.Process{PID: p.Pid, Memory: p.UsedGpuMemory, Instance: p.GpuInstanceId})
	}
	return out, gpu.Return(ret)
}
func (d device) MIGMode() (bool, gpu.Return) {
	now, _, ret := d.GetMigMode()
	return now == nvml.DEVICE_MIG_ENABLE, gpu.Return(ret)
}
func (d device) MIGSlots() (int, gpu.Return) { return as(d.GetMaxMigDeviceCount()) }
func (d device) MIGDevice(i int) (gpu.Device, gpu.Return) {
	m, ret := d.GetMigDeviceHandleByIndex(i)
	return device{m}, gpu.Return(ret)
}
func (d device) GPUInstance() (uint32, gpu.Return) {
	id, ret := d.GetGpuInstanceId()
	return uint32(id), gpu.Return(ret)
}

// dgx is NVIDIA's mock of a DGX A100 with what it leaves open filled in: loads, events and MIG devices.
type dgx struct {
	*dgxa100.Server
	mu     sync.Mutex // held by a change, and by the call with which each sample begins
	events []nvml.EventData
}

// do changes the machine between two samples.
func (s *dgx) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func newDGX() *dgx {
	s := &dgx{Server: dgxa100.New()}
	s.EventSetCreateFunc = func() (nvml.EventSet, nvml.Return) {
		return &mock.EventSet{
			FreeFunc: func() nvml.Return { return nvml.SUCCESS },
			WaitFunc: func(uint32) (nvml.EventData, nvml.Return) {
				if len(s.events) == 0 {
					return nvml.EventData{}, nvml.ERROR_TIMEOUT
				}
				e := s.events[0]
				s.events = s.events[1:]
				return e, nvml.SUCCESS
			},
		}, nvml.SUCCESS
	}
	for i := range s.Devices {
		load(s.card(i))
	}
	return s
}

func (s *dgx) card(i int) *dgxa100.Device { return s.Devices[i].(*dgxa100.Device) }

func (s *dgx) options() gpu.Options {
	return gpu.Options{Open: func() (gpu.Library, error) { return nvidia{s}, nil }}
}

// load gives a card the numbers that the mock lacks.
func load(d *dgxa100.Device) {
	d.MemoryInfo = nvml.Memory{Total: 40 << 30, Used: uint64(d.Index) << 30, Free: uint64(40-d.Index) << 30}
	d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) {
		if d.MigMode == nvml.DEVICE_MIG_ENABLE {
			return nvml.Utilization{}, nvml.ERROR_NOT_SUPPORTED
		}
		return nvml.Utilization{Gpu: uint32(10 * d.Index), Memory: 5}, nvml.SUCCESS
	}
	d.GetTemperatureFunc = func(nvml.TemperatureSensors) (uint32, nvml.Return) { return 41, nvml.SUCCESS }
	d.GetPowerUsageFunc = func() (uint32, nvml.Return) { return 61_500, nvml.SUCCESS }
	d.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 123_456, nvml.SUCCESS }
	d.GetClockInfoFunc = func(c nvml.ClockType) (uint32, nvml.Return) {
		return map[nvml.ClockType]uint32{nvml.CLOCK_SM: 1410, nvml.CLOCK_MEM: 1215}[c], nvml.SUCCESS
	}
	d.GetCurrentClocksEventReasonsFunc = func() (uint64, nvml.Return) { return nvml.ClocksEventReasonSwPowerCap, nvml.SUCCESS }
	d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
		return []nvml.ProcessInfo{{Pid: 99, UsedGpuMemory: 1 << 30, GpuInstanceId: gpu.NoInstance}}, nvml.SUCCESS
	}
	d.RegisterEventsFunc = func(uint64, nvml.EventSet) nvml.Return { return nvml.SUCCESS }
	d.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 7, nvml.SUCCESS }
	d.GetMigDeviceHandleByIndexFunc = func(i int) (nvml.Device, nvml.Return) { return part(d, i) }
}

// part is the MIG device of a card's i-th GPU instance of the profile 1g.5gb.
func part(d *dgxa100.Device, i int) (nvml.Device, nvml.Return) {
	for gi := range d.GpuInstances {
		if int(gi.Info.Id) == i {
			return &mock.Device{
				GetUUIDFunc:          func() (string, nvml.Return) { return "MIG-" + string(rune('a'+i)), nvml.SUCCESS },
				GetNameFunc:          func() (string, nvml.Return) { return d.Name + " MIG 1g.5gb", nvml.SUCCESS },
				GetGpuInstanceIdFunc: func() (int, nvml.Return) { return i, nvml.SUCCESS },
				GetMemoryInfoFunc:    func() (nvml.Memory, nvml.Return) { return nvml.Memory{Total: 5 << 30, Used: 1 << 30}, nvml.SUCCESS },
			}, nvml.SUCCESS
		}
	}
	return nil, nvml.ERROR_NOT_FOUND
}

// All of a DGX A100's cards are there, each with its own numbers in our units.
func TestADGX(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDGX()
		w, _ := watch(t, s.options())
		snap := w.Snapshot()
		if len(snap.GPUs) != 8 || snap.Driver != s.DriverVersion {
			t.Fatalf("%d cards, driver %s", len(snap.GPUs), snap.Driver)
		}
		for i, g := range snap.GPUs {
			if g.UUID != s.card(i).UUID || g.Name != "Mock NVIDIA A100-SXM4-40GB" || g.Index != i || g.Minor != i || g.Fault != "" ||
				g.Utilization.Value != float64(i)/10 || g.MemoryUtilization.Value != .05 || g.Memory.Total != 40<<30 || g.Memory.Used != uint64(i)<<30 ||
				g.Temperature.Value != 41 || g.Power.Value != 61.5 || g.DriverEnergy.Value != 123.456 || g.SMClock.Value != 1410e6 ||
				g.MemoryClock.Value != 1215e6 || g.Throttle.Bits != 4 || len(g.Processes) != 1 || g.Processes[0].PID != 99 || len(g.MIG) != 0 {
				t.Errorf("card %d: %+v", i, g)
			}
		}
	})
}

// Instances are there with their own memory as soon as they are made, and gone when they are destroyed; NVML does not
// know the load of a card that is cut.
func TestADGXsInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDGX()
		d := s.card(2)
		d.SetMigMode(nvml.DEVICE_MIG_ENABLE)
		profile, _ := d.GetGpuInstanceProfileInfo(nvml.GPU_INSTANCE_PROFILE_1_SLICE)
		first, _ := d.CreateGpuInstance(&profile)
		w, _ := watch(t, s.options())
		if g := w.Snapshot().GPUs[2]; len(g.MIG) != 1 || g.MIG[0] != (gpu.MIG{UUID: "MIG-a", Profile: "1g.5gb", Instance: 0, Memory: gpu.Memory{Total: 5 << 30, Used: 1 << 30}}) || g.Utilization.Known {
			t.Errorf("%+v", g)
		}
		s.do(func() { d.CreateGpuInstance(&profile) })
		later(time.Second)
		if got := len(w.Snapshot().GPUs[2].MIG); got != 2 {
			t.Errorf("%d instances", got)
		}
		s.do(func() { first.Destroy() }) // leaves a hole before the second
		later(time.Second)
		if g := w.Snapshot().GPUs[2]; len(g.MIG) != 1 || g.MIG[0].UUID != "MIG-b" || len(w.Snapshot().GPUs[1].MIG) != 0 {
			t.Errorf("%+v", g)
		}
	})
}

// A card that falls off the bus reports XID 79 first; NVML then answers GPU_IS_LOST for it and goes on for the others.
func TestADGXLosesACard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDGX()
		w, log := watch(t, s.options())
		d := s.card(5)
		uuid := d.GetUUIDFunc
		s.do(func() {
			s.events = append(s.events, nvml.EventData{Device: d, EventType: nvml.EventTypeXidCriticalError, EventData: 79})
			d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{}, nvml.ERROR_GPU_IS_LOST }
			d.GetUUIDFunc = func() (string, nvml.Return) { return "", nvml.ERROR_GPU_IS_LOST }
		})
		later(time.Minute)
		snap := w.Snapshot()
		for i, g := range snap.GPUs {
			if lost := g.Fault != ""; lost != (i == 5) || g.UUID != s.card(i).UUID {
				t.Errorf("card %d: %q, %s", i, g.Fault, g.UUID)
			}
		}
		if g := snap.GPUs[5]; g.XIDs[79] != 1 || g.LastXID != 79 || !strings.Contains(log.String(), "xid=79") {
			t.Errorf("%+v\n%s", g, log)
		}
		s.do(func() { // the card was reset
			load(d)
			d.GetUUIDFunc = uuid
		})
		later(time.Minute)
		if g := w.Snapshot().GPUs[5]; g.Fault != "" || g.Utilization.Value != .5 {
			t.Errorf("after the reset: %+v", g)
		}
	})
}

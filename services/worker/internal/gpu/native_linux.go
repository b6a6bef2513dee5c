package gpu

import (
	"bytes"
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// places are where NVML is: on the loader's path, where Kubernetes' device plugins put it, and under WSL.
var places = []string{"libnvidia-ml.so.1", "/usr/local/nvidia/lib64/libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"}

// Native loads the NVML of this machine's driver.
func Native() (Library, error) {
	var first error
	for _, path := range places {
		lib, err := load(path)
		if err == nil {
			return lib, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// handle is NVML's pointer to a card, an instance or a set of events.
type handle uintptr

// native is the library's functions, by nvml.h. What an older driver lacks is nil.
type native struct {
	init, shutdown   func() Return
	driverVersion    func(*byte, uint32) Return
	count            func(*uint32) Return
	byIndex          func(uint32, *handle) Return
	uuid, name       func(handle, *byte, uint32) Return
	pci              func(handle, *pciInfo) Return
	minor            func(handle, *uint32) Return
	utilization      func(handle, *utilization) Return
	memory           func(handle, *memoryInfo) Return
	memory2          func(handle, *memoryInfo2) Return
	temperature      func(handle, int32, *uint32) Return
	power            func(handle, *uint32) Return
	energy, throttle func(handle, *uint64) Return
	clock            func(handle, Clock, *uint32) Return
	processes        func(handle, *uint32, *processInfo) Return
	migMode          func(handle, *uint32, *uint32) Return
	migSlots         func(handle, *uint32) Return
	migDevice        func(handle, uint32, *handle) Return
	gpuInstance      func(handle, *uint32) Return
	eventsNew        func(*handle) Return
	eventsFree       func(handle) Return
	eventsAdd        func(handle, uint64, handle) Return
	eventsNext       func(handle, *eventData, uint32) Return
}

// The structs of nvml.h, field by field; those without a name are not asked for. A test gets them from C.
type (
	pciInfo struct {
		_  [16]byte  // busIdLegacy
		_  [5]uint32 // domain, bus, device, pciDeviceId, pciSubSystemId
		id [32]byte
	}
	utilization struct{ gpu, memory uint32 }
	memoryInfo  struct{ total, free, used uint64 }
	memoryInfo2 struct {
		version                     uint32
		total, reserved, free, used uint64
	}
	processInfo struct {
		pid         uint32
		memory      uint64
		gpuInstance uint32
		_           uint32 // computeInstanceId
	}
	eventData struct {
		device handle
		_      uint64 // eventType: there is only one that is asked for
		data   uint64
		_      [2]uint32 // gpuInstanceId, computeInstanceId
	}
)

const (
	memoryVersion2 = uint32(unsafe.Sizeof(memoryInfo2{})) | 2<<24 // NVML_STRUCT_VERSION(Memory, 2)
	eventXID       = 0x8                                          // nvmlEventTypeXidCriticalError
	textSize       = 96                                           // NVML_DEVICE_UUID_V2_BUFFER_SIZE, …_NAME_V2_…
	unavailable    = ^uint64(0)                                   // NVML_VALUE_NOT_AVAILABLE
)

// load opens the library at a path. It stays in the process: a driver's library is not made to be unloaded.
func load(path string) (*native, error) {
	h, err := purego.Dlopen(path, purego.RTLD_LAZY|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	n := new(native)
	for _, f := range n.functions() {
		for _, symbol := range f.symbols {
			if at, err := purego.Dlsym(h, symbol); err == nil {
				purego.RegisterFunc(f.to, at)
				break
			}
		}
	}
	if n.init == nil || n.shutdown == nil || n.count == nil || n.byIndex == nil || n.uuid == nil {
		return nil, fmt.Errorf("%s is not an NVML that this program knows; update the driver", path)
	}
	return n, nil
}

// function is where a function goes, and under which names libraries have it, the best first.
type function struct {
	to      any
	symbols []string
}

func (n *native) functions() []function {
	return []function{
		{&n.init, []string{"nvmlInit_v2"}},
		{&n.shutdown, []string{"nvmlShutdown"}},
		{&n.driverVersion, []string{"nvmlSystemGetDriverVersion"}},
		{&n.count, []string{"nvmlDeviceGetCount_v2"}},
		{&n.byIndex, []string{"nvmlDeviceGetHandleByIndex_v2"}},
		{&n.uuid, []string{"nvmlDeviceGetUUID"}},
		{&n.name, []string{"nvmlDeviceGetName"}},
		{&n.pci, []string{"nvmlDeviceGetPciInfo_v3"}},
		{&n.minor, []string{"nvmlDeviceGetMinorNumber"}},
		{&n.utilization, []string{"nvmlDeviceGetUtilizationRates"}},
		{&n.memory, []string{"nvmlDeviceGetMemoryInfo"}},
		{&n.memory2, []string{"nvmlDeviceGetMemoryInfo_v2"}},
		{&n.temperature, []string{"nvmlDeviceGetTemperature"}},
		{&n.power, []string{"nvmlDeviceGetPowerUsage"}},
		{&n.energy, []string{"nvmlDeviceGetTotalEnergyConsumption"}},
		{&n.throttle, []string{"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"}},
		{&n.clock, []string{"nvmlDeviceGetClockInfo"}},
		{&n.processes, []string{"nvmlDeviceGetComputeRunningProcesses_v3"}},
		{&n.migMode, []string{"nvmlDeviceGetMigMode"}},
		{&n.migSlots, []string{"nvmlDeviceGetMaxMigDeviceCount"}},
		{&n.migDevice, []string{"nvmlDeviceGetMigDeviceHandleByIndex"}},
		{&n.gpuInstance, []string{"nvmlDeviceGetGpuInstanceId"}},
		{&n.eventsNew, []string{"nvmlEventSetCreate"}},
		{&n.eventsFree, []string{"nvmlEventSetFree"}},
		{&n.eventsAdd, []string{"nvmlDeviceRegisterEvents"}},
		{&n.eventsNext, []string{"nvmlEventSetWait_v2"}},
	}
}

// Init implements Library.
func (n *native) Init() Return { return n.init() }

// Shutdown implements Library.
func (n *native) Shutdown() { n.shutdown() }

// DriverVersion implements Library.
func (n *native) DriverVersion() (string, Return) {
	if n.driverVersion == nil {
		return "", FunctionNotFound
	}
	var b [textSize]byte
	ret := n.driverVersion(&b[0], textSize)
	return text(b[:]), ret
}

// Count implements Library.
func (n *native) Count() (int, Return) {
	var c uint32
	ret := n.count(&c)
	return int(c), ret
}

// Device implements Library.
func (n *native) Device(index int) (Device, Return) {
	var h handle
	ret := n.byIndex(uint32(index), &h)
	return nativeDevice{n, h}, ret
}

// Watch implements Library.
func (n *native) Watch(cards []Device) (Events, Return) {
	if n.eventsNew == nil || n.eventsFree == nil || n.eventsAdd == nil || n.eventsNext == nil {
		return nil, FunctionNotFound
	}
	e := &nativeEvents{lib: n}
	if ret := n.eventsNew(&e.set); ret != Success {
		return nil, ret
	}
	for _, c := range cards {
		n.eventsAdd(c.(nativeDevice).handle, eventXID, e.set) // those that cannot have none
	}
	return e, Success
}

type nativeEvents struct {
	lib *native
	set handle
}

// Next implements Events.
func (e *nativeEvents) Next() (Event, Return) {
	var d eventData
	ret := e.lib.eventsNext(e.set, &d, 0)
	return Event{Device: nativeDevice{e.lib, d.device}, XID: d.data}, ret
}

// Close implements Events.
func (e *nativeEvents) Close() { e.lib.eventsFree(e.set) }

// text is a C string in a buffer.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

package gpu

// nativeDevice is a card or an instance, by NVML's handle.
type nativeDevice struct {
	lib    *native
	handle handle
}

// text reads a string.
func (d nativeDevice) text(f func(handle, *byte, uint32) Return) (string, Return) {
	if f == nil {
		return "", FunctionNotFound
	}
	var b [textSize]byte
	ret := f(d.handle, &b[0], textSize)
	return text(b[:]), ret
}

// ask reads what is one value.
func ask[T any](d nativeDevice, f func(handle, *T) Return) (out T, _ Return) {
	if f == nil {
		return out, FunctionNotFound
	}
	ret := f(d.handle, &out)
	return out, ret
}

// UUID implements Device.
func (d nativeDevice) UUID() (string, Return) { return d.text(d.lib.uuid) }

// Name implements Device.
func (d nativeDevice) Name() (string, Return) { return d.text(d.lib.name) }

// Bus implements Device.
func (d nativeDevice) Bus() (string, Return) {
	p, ret := ask(d, d.lib.pci)
	return text(p.id[:]), ret
}

// Minor implements Device.
func (d nativeDevice) Minor() (int, Return) {
	m, ret := ask(d, d.lib.minor)
	return int(m), ret
}

// Utilization implements Device.
func (d nativeDevice) Utilization() (gpu, memory uint32, _ Return) {
	u, ret := ask(d, d.lib.utilization)
	return u.gpu, u.memory, ret
}

// Memory implements Device. The older call counts what is reserved as used.
func (d nativeDevice) Memory() (Memory, Return) {
	if d.lib.memory2 != nil {
		m := memoryInfo2{version: memoryVersion2}
		if ret := d.lib.memory2(d.handle, &m); ret == Success || ret.dead() {
			return Memory{Total: m.total, Used: m.used, Free: m.free, Reserved: m.reserved}, ret
		}
	}
	m, ret := ask(d, d.lib.memory)
	return Memory{Total: m.total, Used: m.used, Free: m.free}, ret
}

// Temperature implements Device: that of the chip.
func (d nativeDevice) Temperature() (t uint32, _ Return) {
	if d.lib.temperature == nil {
		return 0, FunctionNotFound
	}
	ret := d.lib.temperature(d.handle, 0, &t)
	return t, ret
}

// Power implements Device.
func (d nativeDevice) Power() (uint32, Return) { return ask(d, d.lib.power) }

// Energy implements Device.
func (d nativeDevice) Energy() (uint64, Return) { return ask(d, d.lib.energy) }

// Clock implements Device.
func (d nativeDevice) Clock(c Clock) (mhz uint32, _ Return) {
	if d.lib.clock == nil {
		return 0, FunctionNotFound
	}
	ret := d.lib.clock(d.handle, c, &mhz)
	return mhz, ret
}

// Throttle implements Device.
func (d nativeDevice) Throttle() (uint64, Return) { return ask(d, d.lib.throttle) }

// Processes implements Device. The driver says how many there are where the buffer is too small; there may be more by
// the next call, so it gets a few tries.
func (d nativeDevice) Processes() ([]Process, Return) {
	if d.lib.processes == nil {
		return nil, FunctionNotFound
	}
	ret, size := InsufficientSize, uint32(32)
	for range 4 {
		buf, n := make([]processInfo, size), size
		if ret = d.lib.processes(d.handle, &n, &buf[0]); ret == InsufficientSize {
			size = max(n, size) + 8
			continue
		}
		if ret != Success {
			break
		}
		return processes(buf[:min(n, size)]), Success
	}
	return nil, ret
}

func processes(infos []processInfo) []Process {
	out := make([]Process, 0, len(infos))
	for _, p := range infos {
		if p.memory == unavailable {
			p.memory = 0
		}
		out = append(out, Process{PID: p.pid, Memory: p.memory, Instance: p.gpuInstance})
	}
	return out
}

// MIGMode implements Device.
func (d nativeDevice) MIGMode() (bool, Return) {
	if d.lib.migMode == nil {
		return false, FunctionNotFound
	}
	var now, after uint32
	ret := d.lib.migMode(d.handle, &now, &after)
	return now == 1, ret
}

// MIGSlots implements Device.
func (d nativeDevice) MIGSlots() (int, Return) {
	n, ret := ask(d, d.lib.migSlots)
	return int(n), ret
}

// MIGDevice implements Device.
func (d nativeDevice) MIGDevice(slot int) (Device, Return) {
	if d.lib.migDevice == nil {
		return nil, FunctionNotFound
	}
	m := nativeDevice{lib: d.lib}
	ret := d.lib.migDevice(d.handle, uint32(slot), &m.handle)
	return m, ret
}

// GPUInstance implements Device.
func (d nativeDevice) GPUInstance() (uint32, Return) { return ask(d, d.lib.gpuInstance) }

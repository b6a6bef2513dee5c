package gpu

import "strings"

// reader reads a card's facts until the card is found dead.
type reader struct {
	device Device
	dead   Return // Success: not
}

// ok books an answer and tells whether there is a fact.
func (r *reader) ok(ret Return) bool {
	if ret.dead() && r.dead == Success {
		r.dead = ret
	}
	return ret == Success
}

// number reads one fact, in another unit.
func number[N uint32 | uint64](r *reader, read func() (N, Return), unit float64) Value {
	if r.dead != Success {
		return Value{}
	}
	n, ret := read()
	if !r.ok(ret) {
		return Value{}
	}
	return Value{Value: float64(n) * unit, Known: true}
}

// read fills in what changes of a card, and returns why it could not be read.
func read(d Device, g *GPU, picked selection) Return {
	r := &reader{device: d}
	if busy, memory, ret := d.Utilization(); r.ok(ret) {
		g.Utilization, g.MemoryUtilization = Value{float64(busy) / 100, true}, Value{float64(memory) / 100, true}
	}
	g.Temperature = number(r, d.Temperature, 1)
	g.Power = number(r, d.Power, 1e-3)
	g.DriverEnergy = number(r, d.Energy, 1e-3)
	g.SMClock = number(r, func() (uint32, Return) { return d.Clock(SMClock) }, 1e6)
	g.MemoryClock = number(r, func() (uint32, Return) { return d.Clock(MemoryClock) }, 1e6)
	if r.dead != Success {
		return r.dead
	}
	if bits, ret := d.Throttle(); r.ok(ret) {
		g.Throttle = Mask{bits, true}
	}
	if m, ret := d.Memory(); r.ok(ret) {
		g.Memory = m
	}
	if ps, ret := d.Processes(); r.ok(ret) {
		g.Processes = merge(ps)
	}
	r.instances(func(m Device, uuid string) {
		if !picked.card(g.Index, g.UUID) && !picked.part(uuid) {
			return
		}
		g.MIG = append(g.MIG, r.instance(m, uuid))
	})
	return r.dead
}

// instances calls f for each MIG instance of the card.
func (r *reader) instances(f func(m Device, uuid string)) {
	if r.dead != Success {
		return
	}
	if on, ret := r.device.MIGMode(); !r.ok(ret) || !on {
		return
	}
	slots, ret := r.device.MIGSlots()
	for i := 0; r.ok(ret) && i < slots; i++ {
		m, got := r.device.MIGDevice(i)
		if !r.ok(got) { // most slots are empty
			continue
		}
		if uuid, got := m.UUID(); r.ok(got) {
			f(m, uuid)
		}
	}
}

func (r *reader) instance(m Device, uuid string) MIG {
	out := MIG{UUID: uuid, Instance: NoInstance}
	if id, ret := m.GPUInstance(); r.ok(ret) {
		out.Instance = id
	}
	if name, ret := m.Name(); r.ok(ret) { // NVIDIA A100-SXM4-40GB MIG 1g.5gb
		_, out.Profile, _ = strings.Cut(name, "MIG ")
	}
	if mem, ret := m.Memory(); r.ok(ret) {
		out.Memory = mem
	}
	return out
}

// merge makes one of the entries of a process that has several in one instance.
func merge(ps []Process) []Process {
	type key struct{ pid, instance uint32 }
	at := make(map[key]int, len(ps))
	out := make([]Process, 0, len(ps))
	for _, p := range ps {
		k := key{p.PID, p.Instance}
		if i, ok := at[k]; ok {
			out[i].Memory += p.Memory
			continue
		}
		at[k] = len(out)
		out = append(out, p)
	}
	return out
}

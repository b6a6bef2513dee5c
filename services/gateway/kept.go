package gateway

import (
	"maps"
	"slices"
	"time"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// kept is what a pool served when it was last described, by the store of those that may sleep.
type kept struct {
	digest string
	models []*served
}

// keep takes in what is kept of a pool; nil is nothing.
func (d *directory) keep(pool string, p *inferv1.Description, now time.Duration) {
	var k *kept
	if p != nil {
		k = &kept{digest: p.GetDigest(), models: servedOf(p)}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept[pool] = k; k == nil {
		delete(d.kept, pool)
	}
	d.rebuild(now)
}

// addSleeping adds the models of pools of which no worker says what it serves, where no other pool has them. The caller
// holds mu.
func (d *directory) addSleeping(table map[string]*served, pools map[poolModel]*served) {
	told := map[string]bool{}
	for key := range pools {
		told[key.pool] = true
	}
	for _, pool := range slices.Sorted(maps.Keys(d.kept)) {
		if told[pool] {
			continue
		}
		for _, s := range d.kept[pool].models {
			pools[poolModel{pool, s.GetName()}] = s
			if table[s.GetName()] == nil {
				table[s.GetName()] = s
			}
		}
	}
}

// awake says whether a worker of a pool takes work.
func (d *directory) awake(pool string, now time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readyIn(pool, now)
}

// readyIn is awake for who holds mu.
func (d *directory) readyIn(pool string, now time.Duration) bool {
	for _, m := range d.members {
		if m.report.GetPool() == pool && m.ready(now) {
			return true
		}
	}
	return false
}

// unkept describes the pools that may sleep and of which what is kept is nothing that a worker of theirs serves.
func (d *directory) unkept(sleeps func(pool string) bool, now time.Duration) (out []*inferv1.Description) {
	d.mu.Lock()
	defer d.mu.Unlock()
	holds, found := map[string]bool{}, map[string]*inferv1.Description{}
	for _, name := range slices.Sorted(maps.Keys(d.members)) {
		m := d.members[name]
		pool, digest := m.report.GetPool(), m.report.GetDescriptionDigest()
		models := d.described[digest]
		if len(models) == 0 || !m.ready(now) || !sleeps(pool) {
			continue
		}
		holds[pool] = holds[pool] || d.kept[pool] != nil && d.kept[pool].digest == digest
		if found[pool] == nil {
			found[pool] = &inferv1.Description{Pool: pool, Digest: digest}
			for _, s := range models {
				found[pool].Models = append(found[pool].Models, s.Model)
			}
		}
	}
	for _, pool := range slices.Sorted(maps.Keys(found)) {
		if !holds[pool] {
			out = append(out, found[pool])
		}
	}
	return out
}

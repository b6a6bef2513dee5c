package dispatch

import (
	"fmt"
	"slices"
	"time"
)

const (
	// wantFor is how long after the last request for it a model that nobody serves is remembered.
	wantFor = time.Minute
	// wantMost bounds how many such models are remembered; requests for others are then refused at once.
	wantMost = 1024
)

// offer is a set of models. Workers that serve the same share one, so that telling whether all do is cheap.
type offer struct{ models map[string]struct{} }

func newOffer(models []string) *offer {
	o := &offer{models: make(map[string]struct{}, len(models))}
	for _, name := range models {
		o.models[name] = struct{}{}
	}
	return o
}

func (o *offer) has(model string) bool {
	_, ok := o.models[model]
	return ok
}

func (o *offer) equal(other *offer) bool {
	if len(o.models) != len(other.models) {
		return false
	}
	for name := range o.models {
		if !other.has(name) {
			return false
		}
	}
	return true
}

// want is a model that no well worker serves.
type want struct {
	since time.Time // when it was first missed
	asked time.Time // when it was last
}

// serves says whether w has a model, as far as it tells.
func (w *worker) serves(model string) bool {
	return model == "" || w.offer == nil || w.offer.has(model)
}

// offers notes what a worker serves from now on.
func (m *Machine) offers(w *worker, models []string) {
	w.offer = nil
	if len(models) > 0 {
		w.offer = newOffer(models)
		for _, o := range m.order {
			if o != w && o.offer != nil && o.offer.equal(w.offer) {
				w.offer = o.offer
				break
			}
		}
	}
	m.compare()
}

// compare looks whether all workers that say what they serve serve the same.
func (m *Machine) compare() {
	m.alike, m.mixed = nil, false
	for _, w := range m.order {
		switch {
		case w.offer == nil:
		case m.alike == nil:
			m.alike = w.offer
		case m.alike != w.offer:
			m.alike, m.mixed = nil, true
			return
		}
	}
}

// onlySome says whether a request for a model must be kept from some of the workers.
func (m *Machine) onlySome(model string) bool {
	return model != "" && (m.mixed || m.alike != nil && !m.alike.has(model))
}

// missing says that requests for a model have waited for long enough for a well worker that serves it: for as long as in a
// pool without workers, or without one that is well. A worker that is just loading it, or back at once after a crash, is
// not missed. What ails all workers alike is not asked here.
func (m *Machine) missing(model string, now time.Time) bool {
	if !m.onlySome(model) || m.Cold() {
		return false
	}
	well, ailing := m.offered(model)
	if well {
		delete(m.absent, model)
		return false
	}
	wait := m.cfg.NoWorkerWait
	if ailing {
		wait *= sickWaits
	}
	a := m.absent[model]
	if a == nil {
		if len(m.absent) >= wantMost {
			return true
		}
		a = &want{since: now}
		m.absent[model] = a
	}
	a.asked = now
	return now.Sub(a.since) >= wait
}

// offered says whether a worker that is well serves a model, or at least one that does not leave.
func (m *Machine) offered(model string) (well, ailing bool) {
	for _, w := range m.order {
		if w.stays() && w.serves(model) {
			well, ailing = well || w.well(), true
		}
	}
	return well, ailing
}

// noModel is the refusal of a model that no well worker serves.
func (m *Machine) noModel(model string) Refusal {
	f := Refusal{Code: NoWorker, RetryAfter: 5 * time.Second}
	if ailing := m.ailments(model); ailing != "" {
		f.Message = fmt.Sprintf("no worker of pool %s that serves the model %q is well (%s): see `leat status` and their logs, or serve it on another one",
			m.pool, model, ailing)
		return f
	}
	f.Message = fmt.Sprintf("no worker of pool %s (%s) serves the model %q: start one that does with `leat worker`, or load an adapter with `leat adapter load`",
		m.pool, m.census(), model)
	return f
}

// giveUpModels refuses what has waited too long for a worker with its model.
func (m *Machine) giveUpModels(now time.Time) {
	for model, a := range m.absent {
		if well, _ := m.offered(model); well || now.Sub(a.asked) > wantFor {
			delete(m.absent, model)
		}
	}
	for _, model := range m.queue.Lanes() {
		if !m.missing(model, now) {
			continue
		}
		for it := m.queue.NextIn(model); it != nil; it = m.queue.NextIn(model) {
			m.queue.Remove(it)
			delete(m.calls, it.Value.Key)
			m.refuse(it.Value, m.noModel(model))
		}
	}
	m.retries = slices.DeleteFunc(m.retries, func(r *request) bool {
		if !m.missing(r.Model, now) {
			return false
		}
		delete(m.calls, r.Key)
		m.refuse(r, m.noModel(r.Model))
		return true
	})
}

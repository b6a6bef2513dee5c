// Package models is what names that clients ask for stand for: models of pools with weights, and what answers in their place
// when they cannot.
//
// A name without a route is the model that workers serve by that name. The package knows no services and sends nothing.
package models

import (
	"errors"
	"fmt"
	"math"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
)

// Target is a model of a pool.
type Target struct {
	Model  string `yaml:"model" doc:"name that workers serve it by, or another route's"`
	Pool   string `yaml:"pool" doc:"pool whose workers serve it; empty: any that does"`
	Weight int    `yaml:"weight" doc:"share of the requests against the other targets'; 0: 1, and -1: none"`
}

// share is the weight as it counts.
func (t Target) share() float64 {
	switch {
	case t.Weight == 0:
		return 1
	case t.Weight < 0:
		return 0
	}
	return float64(t.Weight)
}

// Mirror is a model of a pool that gets copies of a route's requests.
type Mirror struct {
	Model string  `yaml:"model" doc:"name that workers serve it by; no route"`
	Pool  string  `yaml:"pool" doc:"pool whose workers serve it; empty: any that does"`
	Share float64 `yaml:"share" doc:"share of the requests that are copied, above 0 and at most 1"`
}

// Route is what a name stands for.
type Route struct {
	Targets  []Target `yaml:"targets" doc:"what answers: one of these, by weight; a user or session stays with one"`
	Fallback []Target `yaml:"fallback" doc:"what answers in their place, in this order, while the client has nothing"`
	Mirror   []Mirror `yaml:"mirror" doc:"what gets copies of the requests as bulk work; their answers are dropped"`
	Say      string   `yaml:"say" doc:"fixed answer where nothing else can answer; empty: the error"`
}

// Set is the routes by the names that clients use.
type Set map[string]Route

// depth bounds how many routes a name may lead through.
const depth = 8

// Validate refuses what cannot work.
func (s Set) Validate() error {
	var bad []error
	for name, r := range s {
		if name == "" {
			bad = append(bad, conf.Refuse("\"\"", "a route needs a name"))
		}
		if len(r.Targets) == 0 {
			bad = append(bad, conf.Refuse(name+".targets", "is empty; name at least one model"))
		}
		sum := 0.
		for i, t := range append(append([]Target{}, r.Targets...), r.Fallback...) {
			if t.Model == "" {
				bad = append(bad, conf.Refuse(fmt.Sprintf("%s target %d", name, i), "has no model"))
			}
			if t.Pool != "" && bus.Token(t.Pool) != t.Pool {
				bad = append(bad, conf.Refuse(fmt.Sprintf("%s target %d", name, i), "names the pool %q; a pool's name has letters, digits, _ and -", t.Pool))
			}
			if i < len(r.Targets) {
				sum += t.share()
			}
		}
		for i, m := range r.Mirror {
			if why := m.wrong(); why != "" {
				bad = append(bad, conf.Refuse(fmt.Sprintf("%s mirror %d", name, i), "%s", why))
			}
		}
		if len(r.Targets) > 0 && sum == 0 {
			bad = append(bad, conf.Refuse(name+".targets", "have no weight; give one of them some"))
		}
		if s.loops(name, name, depth) {
			bad = append(bad, conf.Refuse(name, "leads back to itself, or through more than %d routes", depth))
		}
	}
	return errors.Join(bad...)
}

// wrong says what is wrong with a mirror, or nothing.
func (m Mirror) wrong() string {
	switch {
	case m.Model == "":
		return "has no model"
	case m.Pool != "" && bus.Token(m.Pool) != m.Pool:
		return fmt.Sprintf("names the pool %q; a pool's name has letters, digits, _ and -", m.Pool)
	case !(m.Share > 0 && m.Share <= 1):
		return fmt.Sprintf("has the share %g; it must be above 0 and at most 1", m.Share)
	}
	return ""
}

// loops says whether a route leads to start through others. A target of the route's own name is the served model.
func (s Set) loops(start, at string, left int) bool {
	for _, t := range append(append([]Target{}, s[at].Targets...), s[at].Fallback...) {
		if _, route := s[t.Model]; !route || t.Model == at || t.Pool != "" {
			continue
		}
		if t.Model == start || left == 0 || s.loops(start, t.Model, left-1) {
			return true
		}
	}
	return false
}

// Resolve is what may answer a request for a name, in this order: the target that the key draws, the others, the fallbacks.
// The same key draws the same target while weights stay; a weight that changes moves only the keys that it must (weighted
// rendezvous hashing: Schindelhauer, Schomaker 2005). A name without a route is itself.
func (s Set) Resolve(name, key string) []Target { return s.resolve(name, key, depth, false) }

func (s Set) resolve(name, key string, left int, plain bool) (out []Target) {
	r, ok := s[name]
	if !ok || plain || left < 0 {
		return []Target{{Model: name}}
	}
	add := func(t Target) {
		if t.Pool != "" {
			out = append(out, Target{Model: t.Model, Pool: t.Pool})
			return
		}
		out = append(out, s.resolve(t.Model, key, left-1, t.Model == name)...)
	}
	for _, i := range draw(r.Targets, name, key) {
		add(r.Targets[i])
	}
	for _, t := range r.Fallback {
		add(t)
	}
	return out
}

// Mirrors is what gets a copy of a request for a name: of each route that its key's first target leads through, the mirrors
// that the request's id draws. The same id draws the same.
func (s Set) Mirrors(name, key, id string) []Target { return s.mirrors(nil, name, key, id, depth) }

func (s Set) mirrors(out []Target, name, key, id string, left int) []Target {
	r, ok := s[name]
	if !ok || left < 0 {
		return out
	}
	for _, m := range r.Mirror {
		if uniform(name+"\x00"+m.Model+"\x00"+m.Pool+"\x00"+id) < m.Share {
			out = append(out, Target{Model: m.Model, Pool: m.Pool})
		}
	}
	order := draw(r.Targets, name, key)
	if len(order) == 0 {
		return out
	}
	if t := r.Targets[order[0]]; t.Pool == "" && t.Model != name {
		return s.mirrors(out, t.Model, key, id, left-1)
	}
	return out
}

// uniform is a number between 0 and 1 that a string draws, never either of them.
func uniform(of string) float64 { return (float64(xxh3.HashString(of)>>11) + .5) / (1 << 53) }

// draw orders the targets that have a weight, the drawn one first.
func draw(targets []Target, name, key string) []int {
	order := make([]int, 0, len(targets))
	score := make([]float64, len(targets))
	for i, t := range targets {
		if t.share() == 0 {
			continue
		}
		score[i] = -t.share() / math.Log(uniform(name+"\x00"+t.Model+"\x00"+t.Pool+"\x00"+key))
		at := len(order)
		for at > 0 && score[order[at-1]] < score[i] {
			at--
		}
		order = append(order, 0)
		copy(order[at+1:], order[at:])
		order[at] = i
	}
	return order
}

package models_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/leathq/leat/pkg/models"
)

func TestWeightsHoldWithinOnePercent(t *testing.T) {
	set := models.Set{"chat": {Targets: []models.Target{{Model: "a", Weight: 7}, {Model: "b", Weight: 2}, {Model: "b", Pool: "other"}, {Model: "off", Weight: -1}}}}
	const n = 100_000
	count := map[models.Target]int{}
	for i := range n {
		count[set.Resolve("chat", fmt.Sprint("user-", i))[0]]++
	}
	for target, want := range map[models.Target]float64{{Model: "a"}: .7, {Model: "b"}: .2, {Model: "b", Pool: "other"}: .1} {
		if got := float64(count[target]) / n; math.Abs(got-want) > .01*want+.003 {
			t.Errorf("%v got %.4f of the keys, want %.2f", target, got, want)
		}
	}
	if len(count) != 3 {
		t.Errorf("drawn: %v", count)
	}
}

// Raising a canary's weight moves keys to it and no key between the others, nor away from it.
func TestAChangedWeightMovesOnlyWhatItMust(t *testing.T) {
	route := func(canary int) models.Set {
		return models.Set{"chat": {Targets: []models.Target{{Model: "a", Weight: 60}, {Model: "b", Weight: 30}, {Model: "canary", Weight: canary}}}}
	}
	moved := 0
	for i := range 10_000 {
		key := fmt.Sprint(i)
		before, after := route(1).Resolve("chat", key)[0], route(10).Resolve("chat", key)[0]
		if before != after {
			moved++
			if after.Model != "canary" {
				t.Fatalf("key %s moved from %v to %v", key, before, after)
			}
		}
	}
	if moved < 700 || moved > 1100 {
		t.Errorf("%d of 10,000 moved, want about 890", moved)
	}
}

func TestNamesLeadThroughRoutes(t *testing.T) {
	set := models.Set{
		"gpt":  {Targets: []models.Target{{Model: "chat"}}},
		"chat": {Targets: []models.Target{{Model: "chat", Weight: 1}}, Fallback: []models.Target{{Model: "small"}, {Model: "big", Pool: "cloud"}}},
	}
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	want := []models.Target{{Model: "chat"}, {Model: "small"}, {Model: "big", Pool: "cloud"}}
	if got := set.Resolve("gpt", "k"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := set.Resolve("served", "k"); !slices.Equal(got, []models.Target{{Model: "served"}}) {
		t.Errorf("%v", got)
	}
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	one := []models.Target{{Model: "m"}}
	for name, set := range map[string]models.Set{
		"no target":   {"a": {}},
		"no model":    {"a": {Targets: []models.Target{{}}}},
		"no weight":   {"a": {Targets: []models.Target{{Model: "m", Weight: -1}}}},
		"a loop":      {"a": {Targets: []models.Target{{Model: "b"}}}, "b": {Targets: one, Fallback: []models.Target{{Model: "a"}}}},
		"an odd pool": {"a": {Targets: []models.Target{{Model: "m", Pool: "x y"}}}},
		"no share":    {"a": {Targets: one, Mirror: []models.Mirror{{Model: "m"}}}},
		"two copies":  {"a": {Targets: one, Mirror: []models.Mirror{{Model: "m", Share: 2}}}},
		"of nothing":  {"a": {Targets: one, Mirror: []models.Mirror{{Share: 1}}}},
	} {
		if set.Validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// A mirror gets its share of the requests, whoever sends them, through every name that leads to it; a request's id decides.
func TestMirrorsGetTheirShare(t *testing.T) {
	set := models.Set{
		"gpt": {Targets: []models.Target{{Model: "chat"}}, Mirror: []models.Mirror{{Model: "all", Share: 1}}},
		"chat": {Targets: []models.Target{{Model: "chat"}, {Model: "gpt", Weight: -1}}, Mirror: []models.Mirror{
			{Model: "new", Pool: "p", Share: .1}, {Model: "other", Share: .1},
		}},
	}
	const n = 100_000
	count, both := map[models.Target]int{}, 0
	for i := range n {
		id := fmt.Sprint("req-", i)
		got := set.Mirrors("gpt", "one user", id)
		if !slices.Equal(got, set.Mirrors("gpt", "one user", id)) {
			t.Fatalf("%s draws differently", id)
		}
		for _, target := range got {
			count[target]++
		}
		if len(got) == 3 {
			both++
		}
	}
	for target, want := range map[models.Target]float64{{Model: "all"}: 1, {Model: "new", Pool: "p"}: .1, {Model: "other"}: .1} {
		if got := float64(count[target]) / n; math.Abs(got-want) > .01*want+.003 {
			t.Errorf("%v got %.4f of the requests, want %.2f", target, got, want)
		}
	}
	if both < n/200 || both > n/50 { // they draw apart
		t.Errorf("%d requests went to both", both)
	}
	if got := set.Mirrors("served", "k", "id"); got != nil {
		t.Errorf("a name without a route has the mirrors %v", got)
	}
}

// Package variables is what a command of leat finds in its environment: variables of its own, and those of leat's other commands and services, which share the
// environment and are left alone. What none of them has is refused, as a mistyped word.
package variables

import (
	"fmt"
	"slices"

	"github.com/leathq/leat/pkg/assets"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/all"
)

// Environ is the environment of a process.
type Environ struct {
	Pairs []string // NAME=value
	known []string
}

// New is an environment in which the services' variables are known, and those of tools, which are pointers to their settings.
func New(pairs []string, tools ...any) (Environ, error) {
	services, own, nats, store := all.Default(), host.DefaultConfig(), bus.DefaultConfig(), blob.DefaultConfig()
	e := Environ{Pairs: pairs}
	for _, into := range append([]any{&services, &own, &nats, &store}, tools...) {
		names, err := conf.Vars(into)
		if err != nil {
			return Environ{}, fmt.Errorf("the variables of %T: %w", into, err)
		}
		e.known = append(e.known, names...)
	}
	return e, nil
}

// Elsewhere says whether a variable is known to any command; see conf.Spec.
func (e Environ) Elsewhere(name string) bool {
	return assets.IsEnv(name) || slices.Contains(e.known, name)
}

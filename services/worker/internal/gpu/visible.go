package gpu

import (
	"slices"
	"strconv"
	"strings"
)

// selection is which cards and instances the worker's engine may use, after CUDA_VISIBLE_DEVICES (CUDA C++ Programming
// Guide, CUDA environment variables): several workers of a machine then do not all report all of its cards. A number is
// taken as NVML's, which is CUDA's where the cards are equal or CUDA_DEVICE_ORDER is PCI_BUS_ID.
type selection struct {
	all   bool
	names []string
}

func parseSelection(list string, set bool) selection {
	if !set {
		return selection{all: true}
	}
	var s selection
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" || strings.HasPrefix(name, "-") {
			break // CUDA sees nothing from the first that it does not understand
		}
		s.names = append(s.names, name)
	}
	return s
}

// card tells whether a whole card is among them.
func (s selection) card(index int, uuid string) bool {
	if s.all {
		return true
	}
	for _, name := range s.names {
		if name == strconv.Itoa(index) || strings.HasPrefix(name, "GPU-") && strings.HasPrefix(uuid, name) {
			return true
		}
	}
	return false
}

// part tells whether a MIG instance is among them by its own name.
func (s selection) part(uuid string) bool {
	for _, name := range s.names {
		if strings.HasPrefix(name, "MIG-") && strings.HasPrefix(uuid, name) {
			return true
		}
	}
	return false
}

// Only is the part of a snapshot that a list in the form of CUDA_VISIBLE_DEVICES names; of a card that is not named itself,
// the instances that are.
func (s *Snapshot) Only(list string) *Snapshot {
	if s == nil {
		return nil
	}
	picked := parseSelection(list, true)
	out := &Snapshot{At: s.At, Driver: s.Driver}
	for _, g := range s.GPUs {
		if !picked.card(g.Index, g.UUID) {
			g.MIG = slices.DeleteFunc(slices.Clone(g.MIG), func(m MIG) bool { return !picked.part(m.UUID) })
			if len(g.MIG) == 0 {
				continue
			}
		}
		out.GPUs = append(out.GPUs, g)
	}
	return out
}

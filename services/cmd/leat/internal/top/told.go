package top

import (
	"strings"

	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// Told is what a router says of a pool.
type Told struct {
	// Queued is how many sequences wait there.
	Queued uint64
	// Scaling is how many workers the pool should have; nil while nobody decides.
	Scaling *routerv1.ScalingDecided
}

// Verdict is a decision in one word or two: up, down, hold, batching suboptimal, or asleep.
func Verdict(d *routerv1.ScalingDecided) string {
	if d.GetDesired() == 0 && d.GetReplicas() == 0 {
		return "asleep"
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(d.GetVerdict().String(), "SCALING_VERDICT_")), "_", " ")
}

// Reason is what decided, or empty.
func Reason(d *routerv1.ScalingDecided) string {
	if len(d.GetReasons()) == 0 {
		return ""
	}
	return d.GetReasons()[0]
}

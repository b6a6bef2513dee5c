package gateway

import (
	"testing"

	"github.com/leathq/leat/services/gateway/internal/flight"
)

// Both faces tell usage that nobody counted from usage that an engine has.
func TestUsageOverGRPCSaysWhatNobodyCounted(t *testing.T) {
	for _, estimated := range []bool{false, true} {
		if got := usage(flight.Usage{Output: 3, Estimated: estimated}); got.GetEstimated() != estimated || got.GetOutput() != 3 {
			t.Errorf("estimated %v: %v", estimated, got)
		}
	}
}

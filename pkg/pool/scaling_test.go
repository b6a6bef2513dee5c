package pool_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/pool"
)

func TestWhatCannotScaleIsRefusedByName(t *testing.T) {
	for key, change := range map[string]func(*pool.Scaling){
		"mode": func(s *pool.Scaling) { s.Mode = "auto" }, "min": func(s *pool.Scaling) { s.Min = 0 },
		"max": func(s *pool.Scaling) { s.Min, s.Max = 3, 2 }, "queue_factor": func(s *pool.Scaling) { s.QueueFactor = 0 },
		"gpu_memory": func(s *pool.Scaling) { s.GPUMemory = 95 }, "gpu_use": func(s *pool.Scaling) { s.GPUUse = 60 },
		"slot_use": func(s *pool.Scaling) { s.SlotUse = 0 }, "ttft_rise": func(s *pool.Scaling) { s.TTFTRise = 1 },
		"up_after": func(s *pool.Scaling) { s.UpAfter = 0 }, "down_after": func(s *pool.Scaling) { s.DownAfter = time.Millisecond },
		"cool_down": func(s *pool.Scaling) { s.CoolDown = -1 },
	} {
		s := pool.DefaultScaling()
		if err := s.Validate(); err != nil {
			t.Fatalf("the default: %v", err)
		}
		change(&s)
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), key) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// A pool takes from the default what it does not say.
func TestScalingStartsFromTheDefaultPool(t *testing.T) {
	set := pool.Set{"default": {Scaling: pool.Scaling{Max: 3}}, "small": {Scaling: pool.Scaling{Min: 2}}, "quiet": {Scaling: pool.Scaling{Mode: pool.ScalingOff}}}
	if s := set.Of("small").Scaling; s.Min != 2 || s.Max != 3 || !s.On() || s.UpAfter != 30*time.Second {
		t.Errorf("small: %+v", s)
	}
	if s := set.Of("quiet").Scaling; s.On() || s.Max != 3 {
		t.Errorf("quiet: %+v", s)
	}
}

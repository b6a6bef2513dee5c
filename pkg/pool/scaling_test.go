package pool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/pool"
)

func TestWhatCannotScaleIsRefusedByName(t *testing.T) {
	for key, change := range map[string]func(*pool.Scaling){
		"mode": func(s *pool.Scaling) { s.Mode = "auto" }, "min": func(s *pool.Scaling) { s.Min = -1 },
		"max": func(s *pool.Scaling) { s.Min, s.Max = 3, 2 }, "queue_factor": func(s *pool.Scaling) { s.QueueFactor = 0 },
		"gpu_memory": func(s *pool.Scaling) { s.GPUMemory = 95 }, "gpu_use": func(s *pool.Scaling) { s.GPUUse = 60 },
		"slot_use": func(s *pool.Scaling) { s.SlotUse = 0 }, "ttft_rise": func(s *pool.Scaling) { s.TTFTRise = 1 },
		"up_after": func(s *pool.Scaling) { s.UpAfter = 0 }, "down_after": func(s *pool.Scaling) { s.DownAfter = time.Millisecond },
		"cool_down":  func(s *pool.Scaling) { s.CoolDown = -1 },
		"zero_after": func(s *pool.Scaling) { s.ZeroAfter = 0 }, "wake_timeout": func(s *pool.Scaling) { s.WakeTimeout = 0 },
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

// A min of 0 in a file means 0, whatever the default pool has; a pool made by code says so by its mode.
func TestAPoolThatMaySleepSaysSo(t *testing.T) {
	type file struct {
		Pools pool.Set `yaml:"pools"`
	}
	for _, c := range []struct{ yaml, sleep string }{
		{"pools: {big: {scaling: {min: 0}}, small: {scaling: {max: 2}}}", "big"},
		{"pools: {default: {scaling: {min: 0}}, big: {}, small: {scaling: {min: 1}}}", "big"},
		{"pools: {big: {scaling: {min: 0, mode: off}}}", ""},
	} {
		cfg := file{Pools: pool.DefaultSet()}
		path := filepath.Join(t.TempDir(), "leat.yaml")
		if err := os.WriteFile(path, []byte(c.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := conf.Load(conf.Spec{Program: "test", Args: []string{"--config", path}, Sections: []conf.Section{{Into: &cfg}}}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(cfg.Pools.Sleepers(), ","); got != c.sleep {
			t.Errorf("%s: %q may sleep, want %q", c.yaml, got, c.sleep)
		}
	}
	byCode := pool.Set{"default": {Scaling: pool.Scaling{Mode: pool.ScalingOn}}, "small": {Scaling: pool.Scaling{Mode: pool.ScalingOn, Min: 2}}, "other": {}}
	if got := byCode.Sleepers(); len(got) != 1 || got[0] != "other" || byCode.Of("x").Scaling.Max != 8 {
		t.Errorf("by code: %v, %+v", got, byCode.Of("x").Scaling)
	}
}

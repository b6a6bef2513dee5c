package pool

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/conf"
)

// The modes of Scaling.
const (
	ScalingOn  = "on"
	ScalingOff = "off"
)

// Scaling says how the router that owns a pool decides how many workers it should have. It starts and stops none: KEDA, an
// HPA or a person does, by what it says. In a Set made by code, a Min of 0 is meant where Mode is set.
type Scaling struct {
	Mode        string        `yaml:"mode" oneof:"on|off" doc:"on: say how many workers the pool should have; off: say nothing"`
	Min         int           `yaml:"min" doc:"fewest workers; with 0 the pool sleeps while nobody asks, and a request wakes it"`
	Max         int           `yaml:"max" doc:"most workers"`
	QueueFactor float64       `yaml:"queue_factor" doc:"more waiting requests than so many times what one worker runs at once ask for more workers"`
	GPUMemory   float64       `yaml:"gpu_memory" doc:"GPU memory is full above this share; then requests that wait ask for more workers"`
	GPUUse      float64       `yaml:"gpu_use" doc:"GPUs with less use than this share are not busy: then a deep queue asks for larger batches, not for more workers"`
	TTFTRise    float64       `yaml:"ttft_rise" doc:"a time to the first token of so many times the usual asks for more workers"`
	SlotUse     float64       `yaml:"slot_use" doc:"a worker may go where the others would then have at most this share of their slots taken"`
	UpAfter     time.Duration `yaml:"up_after" doc:"how long the signals must ask for more workers"`
	DownAfter   time.Duration `yaml:"down_after" doc:"how long they must ask for fewer"`
	CoolDown    time.Duration `yaml:"cool_down" doc:"between two changes of the number"`
	ZeroAfter   time.Duration `yaml:"zero_after" doc:"where min is 0: how long nobody must have asked before the last worker may go"`
	WakeTimeout time.Duration `yaml:"wake_timeout" doc:"where min is 0: how long a request waits for the first worker of a pool that sleeps, in place of the queue time-out; at most nine tenths of its total time-out, and no longer than its client allows for the queue or the first token"`
}

// DefaultScaling fits workers that need a minute to load.
func DefaultScaling() Scaling {
	return Scaling{
		Mode: ScalingOn, Min: 1, Max: 8, QueueFactor: 2, GPUMemory: .95, GPUUse: .6, TTFTRise: 1.5, SlotUse: .75,
		UpAfter: 30 * time.Second, DownAfter: 300 * time.Second, CoolDown: time.Minute, ZeroAfter: 10 * time.Minute, WakeTimeout: 4 * time.Minute,
	}
}

// On says whether decisions are made at all.
func (s Scaling) On() bool { return s.Mode != ScalingOff }

// Sleeps says whether the pool may have no worker while nobody asks.
func (s Scaling) Sleeps() bool { return s.On() && s.Min == 0 }

func (s Scaling) over(base Scaling) Scaling {
	if s.Mode == "" { // else 0 is meant
		pick(&s.Min, base.Min)
	}
	pick(&s.Mode, base.Mode)
	pick(&s.Max, base.Max)
	pick(&s.QueueFactor, base.QueueFactor)
	pick(&s.GPUMemory, base.GPUMemory)
	pick(&s.GPUUse, base.GPUUse)
	pick(&s.TTFTRise, base.TTFTRise)
	pick(&s.SlotUse, base.SlotUse)
	pick(&s.UpAfter, base.UpAfter)
	pick(&s.DownAfter, base.DownAfter)
	pick(&s.CoolDown, base.CoolDown)
	pick(&s.ZeroAfter, base.ZeroAfter)
	pick(&s.WakeTimeout, base.WakeTimeout)
	return s
}

// Validate refuses what cannot work.
func (s Scaling) Validate() error {
	var bad []error
	refuse := func(key, format string, a ...any) { bad = append(bad, conf.Refuse(key, format, a...)) }
	if modes := []string{ScalingOn, ScalingOff}; !slices.Contains(modes, s.Mode) {
		refuse("mode", "is %q; it must be one of %s", s.Mode, strings.Join(modes, ", "))
	}
	const most = 10_000
	switch {
	case s.Min < 0:
		refuse("min", "is %d; it must be at least 0", s.Min)
	case s.Max < max(s.Min, 1) || s.Max > most:
		refuse("max", "is %d; it must be at least min, at least 1, and at most %d", s.Max, most)
	}
	for key, v := range map[string]float64{"gpu_memory": s.GPUMemory, "gpu_use": s.GPUUse, "slot_use": s.SlotUse} {
		if !(v > 0 && v <= 1) {
			refuse(key, "is %g; it must be above 0 and at most 1", v)
		}
	}
	if !(s.QueueFactor > 0) {
		refuse("queue_factor", "is %g; it must be above 0", s.QueueFactor)
	}
	if !(s.TTFTRise > 1) {
		refuse("ttft_rise", "is %g; it must be above 1", s.TTFTRise)
	}
	for key, d := range map[string]time.Duration{
		"up_after": s.UpAfter, "down_after": s.DownAfter, "cool_down": s.CoolDown,
		"zero_after": s.ZeroAfter, "wake_timeout": s.WakeTimeout,
	} {
		if d < time.Second || d > 24*time.Hour {
			refuse(key, "is %s; it must be from 1s to 24h", d)
		}
	}
	return errors.Join(bad...)
}

package scaling_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/scaling"
)

var begin = time.Unix(1_000_000, 0)

func config(change ...func(*scaling.Config)) scaling.Config {
	c := scaling.Config{
		Min: 1, Max: 8, QueueFactor: 2, GPUMemory: .95, GPUUse: .6, TTFTRise: 1.5, SlotUse: .75,
		UpAfter: 30 * time.Second, DownAfter: 300 * time.Second, CoolDown: time.Minute, Idle: 10 * time.Minute,
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func zero(c *scaling.Config) { c.Zero = true }

func known(v float64) scaling.Level { return scaling.Level{Value: v, Known: true} }

// fleet is n workers of 16 slots that are all taken, with nothing unusual.
func fleet(n int, change func(*scaling.Signals)) scaling.Signals {
	s := scaling.Signals{
		At: begin, Replicas: n, Ready: n, Running: 16 * n, MaxBatch: 16, LastRequest: begin, Kept: true, TTFT: .4, TTFTUsual: .4,
		Tokens: 500, TokensUsual: 500, Load: float64(16 * n), LoadUsual: float64(16 * n),
	}
	if change != nil {
		change(&s)
	}
	return s
}

// What the signals of one moment ask for.
func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  scaling.Config
		s    scaling.Signals
		want int
		why  string // in the first reason
		is   scaling.Verdict
	}{
		"2 replicas, queue 45, GPUs 87 % busy": {config(), fleet(2, func(s *scaling.Signals) { s.Queued, s.GPUUse = 45, known(.87) }), 3,
			"45 requests wait, more than 32: 2 batches of 16, with the GPUs 87 % busy", scaling.Up},
		"a queue of just two batches":      {config(), fleet(2, func(s *scaling.Signals) { s.Queued = 32 }), 2, "nothing", scaling.Hold},
		"one more":                         {config(), fleet(2, func(s *scaling.Signals) { s.Queued = 33 }), 3, "33 requests wait", scaling.Up},
		"a queue of many batches":          {config(), fleet(4, func(s *scaling.Signals) { s.Queued = 120 }), 7, "120 requests wait", scaling.Up},
		"no more than twice as many":       {config(), fleet(2, func(s *scaling.Signals) { s.Queued = 900 }), 4, "900 requests wait", scaling.Up},
		"no more than the most":            {config(), fleet(7, func(s *scaling.Signals) { s.Queued = 900 }), 8, "900 requests wait", scaling.Up},
		"at the most":                      {config(), fleet(8, func(s *scaling.Signals) { s.Queued = 900 }), 8, "900 requests wait", scaling.Hold},
		"more than the most":               {config(), fleet(9, nil), 8, "1 to 8", scaling.Down},
		"fewer than the least":             {config(func(c *scaling.Config) { c.Min = 3 }), fleet(2, nil), 3, "3 to 8", scaling.Up},
		"the one asked for starts":         {config(), fleet(3, func(s *scaling.Signals) { s.Queued, s.Ready, s.Starting = 45, 2, 1 }), 3, "45 requests wait", scaling.Hold},
		"none is ready":                    {config(), fleet(1, func(s *scaling.Signals) { s.Queued, s.Ready, s.Starting = 45, 0, 1 }), 1, "1 start", scaling.Hold},
		"GPU memory full, requests wait":   {config(), fleet(2, func(s *scaling.Signals) { s.Queued, s.GPUMemory = 1, known(.96) }), 3, "GPU memory is 96 % full", scaling.Up},
		"GPU memory at its limit":          {config(), fleet(2, func(s *scaling.Signals) { s.Queued, s.GPUMemory = 1, known(.95) }), 2, "nothing", scaling.Hold},
		"GPU memory full, nobody waits":    {config(), fleet(2, func(s *scaling.Signals) { s.GPUMemory = known(.99) }), 2, "nothing", scaling.Hold},
		"TTFT rises":                       {config(), fleet(2, func(s *scaling.Signals) { s.TTFT = .7 }), 3, "first token takes 0.70 s, usually 0.40 s", scaling.Up},
		"TTFT rises a little":              {config(), fleet(2, func(s *scaling.Signals) { s.TTFT = .6 }), 2, "nothing", scaling.Hold},
		"TTFT rises by milliseconds":       {config(), fleet(2, func(s *scaling.Signals) { s.TTFT, s.TTFTUsual = .08, .02 }), 2, "nothing", scaling.Hold},
		"TTFT rises on idle workers":       {config(), fleet(1, func(s *scaling.Signals) { s.TTFT, s.Running = 4, 2 }), 1, "nothing", scaling.Hold},
		"tokens flat, requests rise":       {config(), fleet(2, func(s *scaling.Signals) { s.Load, s.Tokens = 45, 520 }), 3, "no more tokens a second", scaling.Up},
		"likewise, and the GPUs are busy":  {config(), fleet(2, func(s *scaling.Signals) { s.Load, s.GPUUse = 45, known(.9) }), 3, "no more tokens a second", scaling.Up},
		"likewise, and the GPUs are not":   {config(), fleet(2, func(s *scaling.Signals) { s.Load, s.GPUUse = 45, known(.5) }), 2, "50 % busy", scaling.Suboptimal},
		"tokens rise with requests":        {config(), fleet(2, func(s *scaling.Signals) { s.Load, s.Tokens = 45, 700 }), 2, "nothing", scaling.Hold},
		"deep queue, GPUs not busy":        {config(), fleet(2, func(s *scaling.Signals) { s.Queued, s.GPUUse = 45, known(.59) }), 2, "59 % busy while 45 requests wait", scaling.Suboptimal},
		"deep queue, GPUs just busy":       {config(), fleet(2, func(s *scaling.Signals) { s.Queued, s.GPUUse = 45, known(.6) }), 3, "45 requests wait", scaling.Up},
		"likewise not busy, but full":      {config(), fleet(2, func(s *scaling.Signals) { s.Queued, s.GPUUse, s.GPUMemory = 45, known(.3), known(.97) }), 3, "GPU memory", scaling.Up},
		"fewer would do":                   {config(), fleet(3, func(s *scaling.Signals) { s.Running = 12 }), 2, "1 workers of 16 slots would do", scaling.Down},
		"fewer would be just full":         {config(), fleet(2, func(s *scaling.Signals) { s.Running = 13 }), 2, "nothing", scaling.Hold},
		"fewer would do, but some wait":    {config(), fleet(3, func(s *scaling.Signals) { s.Running, s.Queued = 12, 1 }), 3, "nothing", scaling.Hold},
		"a cordoned worker is none to use": {config(), fleet(2, func(s *scaling.Signals) { s.Running, s.Ready, s.Cordoned = 12, 1, 1 }), 2, "nothing", scaling.Hold},
		"all are cordoned, some wait":      {config(), fleet(1, func(s *scaling.Signals) { s.Running, s.Ready, s.MaxBatch, s.Cordoned, s.Queued = 0, 0, 0, 1, 1 }), 2, "every worker is cordoned", scaling.Up},
		"GPUs near 100 % with one request": {config(), fleet(2, func(s *scaling.Signals) { s.Running, s.GPUUse = 1, known(.99) }), 1, "1 sequences run", scaling.Down},
		"the last stays":                   {config(), fleet(1, func(s *scaling.Signals) { s.Running, s.LastRequest = 0, time.Time{} }), 1, "nothing", scaling.Hold},
		"the last goes, where it may":      {config(zero), fleet(1, func(s *scaling.Signals) { s.Running, s.LastRequest = 0, begin.Add(-10*time.Minute) }), 0, "no request for 10m0s", scaling.Down},
		"not where nobody could wake it":   {config(zero), fleet(1, func(s *scaling.Signals) { s.Running, s.LastRequest, s.Kept = 0, time.Time{}, false }), 1, "nothing", scaling.Hold},
		"not before somebody has looked": {config(zero), fleet(1, func(s *scaling.Signals) {
			s.Running, s.LastRequest, s.Since = 0, time.Time{}, begin.Add(-9*time.Minute)
		}), 1, "nothing", scaling.Hold},
		"three go at once":               {config(zero), fleet(3, func(s *scaling.Signals) { s.Running, s.LastRequest = 0, begin.Add(-time.Hour) }), 0, "no request for 10m0s", scaling.Down},
		"not while one was asked lately": {config(zero), fleet(1, func(s *scaling.Signals) { s.Running, s.LastRequest = 0, begin.Add(-9*time.Minute) }), 1, "nothing", scaling.Hold},
		"not while one runs for long":    {config(zero), fleet(1, func(s *scaling.Signals) { s.Running, s.LastRequest = 1, begin.Add(-time.Hour) }), 1, "nothing", scaling.Hold},
		"asleep":                         {config(zero), fleet(0, func(s *scaling.Signals) { s.LastRequest = time.Time{} }), 0, "nobody asks", scaling.Hold},
		"asleep, and just looked at":     {config(zero), fleet(0, func(s *scaling.Signals) { s.LastRequest, s.Since = time.Time{}, begin }), 0, "nobody asks", scaling.Hold},
		"never been up":                  {config(zero), fleet(0, func(s *scaling.Signals) { s.LastRequest, s.Kept = time.Time{}, false }), 1, "up once", scaling.Up},
		"lost while it was asked":        {config(zero), fleet(0, func(s *scaling.Signals) { s.LastRequest = begin.Add(-time.Minute) }), 1, "a request came", scaling.Up},
		"woken":                          {config(zero), fleet(0, func(s *scaling.Signals) { s.Queued = 1 }), 1, "1 requests wait and there is no worker", scaling.Up},
		"woken to the least":             {config(zero, func(c *scaling.Config) { c.Min = 2 }), fleet(0, func(s *scaling.Signals) { s.Queued = 1 }), 2, "1 requests wait", scaling.Up},
		"all workers are gone":           {config(), fleet(0, func(s *scaling.Signals) { s.LastRequest = time.Time{} }), 1, "at least 1 should be", scaling.Up},
	} {
		t.Run(name, func(t *testing.T) {
			d := scaling.Judge(c.cfg, c.s)
			if d.Desired != c.want || d.Verdict != c.is || !strings.Contains(d.Reasons[0], c.why) {
				t.Errorf("%+v; want %d, %s, because %q", d, c.want, c.is, c.why)
			}
		})
	}
}

package run

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// soakResult is the memory of Leat in one process under a steady load.
type soakResult struct {
	length  time.Duration
	every   time.Duration
	rss     []float64 // bytes
	streams turn
	unary   turn
}

// soakRun keeps 100 streams and 200 unary requests/s going and watches the memory.
func (b *bench) soakRun(ctx context.Context) error {
	f, err := b.startFleet(ctx, oneProcess)
	if err != nil {
		return err
	}
	defer f.stop()
	if err := f.pace(ctx, "20ms", "20ms"); err != nil {
		return err
	}
	t := f.target(oneProcess)
	s := &soakResult{length: b.Soak, every: max(b.Soak/60, time.Second)}
	long := *b
	long.Time = b.Soak
	var group sync.WaitGroup
	var errs [2]error
	b.say("soak of %s", b.Soak)
	group.Go(func() {
		s.streams, errs[0] = long.turn(ctx, f, t, "soak-streams", []string{"--concurrency", "100", "--ramp", "1300ms", "--max-tokens", "64"})
	})
	group.Go(func() {
		s.unary, errs[1] = long.turn(ctx, f, t, "soak-unary", []string{"--rps", "200", "--stream=false", "--max-tokens", "16"})
	})
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for tick := time.NewTicker(s.every); ; {
		select {
		case <-done:
			tick.Stop()
			b.soak = s
			for _, err := range errs {
				if err != nil {
					return err
				}
			}
			return nil
		case <-tick.C:
			now, err := rss(t.gateway.pid())
			if err != nil {
				return fmt.Errorf("during the soak: %w", err)
			}
			s.rss = append(s.rss, now)
		}
	}
}

// at is the mean memory around a share of the soak, in MB.
func (s *soakResult) at(share float64) float64 {
	const around = 3
	i := min(int(share*float64(len(s.rss))), len(s.rss)-1)
	sum, n := 0.0, 0
	for j := max(0, i-around); j <= min(len(s.rss)-1, i+around); j++ {
		sum, n = sum+s.rss[j], n+1
	}
	return per(sum, float64(n)) / 1e6
}

package bench

import (
	"sync"
	"time"
)

// maxBins bounds the series of a run of unknown length: beyond, everything lands in the last bin.
const maxBins = 3600

// series is the course of the run in bins of equal width, from the start of the window. Safe for concurrent use.
type series struct {
	from  time.Time
	width time.Duration
	mu    sync.Mutex
	bins  []*bin
}

type bin struct {
	ended, failed, tokens int64
	latency, ttft         *Histogram // of the requests meant to leave in this bin
}

// newSeries makes bins of a second, wider where the run is longer than 240 s.
func newSeries(from time.Time, duration time.Duration) *series {
	return &series{from: from, width: max(time.Second, (duration / 240).Round(time.Second))}
}

// bin returns the bin of a time, nil before the window. The caller holds mu.
func (s *series) bin(t time.Time) *bin {
	offset := t.Sub(s.from)
	if offset < 0 {
		return nil
	}
	i := min(int(offset/s.width), maxBins-1)
	for len(s.bins) <= i {
		s.bins = append(s.bins, &bin{latency: NewHistogram(3), ttft: NewHistogram(3)})
	}
	return s.bins[i]
}

func (s *series) tokens(at time.Time, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.bin(at); b != nil {
		b.tokens += n
	}
}

// ended counts an answer; inWindow says whether its end belongs to the rates.
func (s *series) ended(o *outcome, inWindow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.bin(o.end); b != nil && inWindow {
		if o.failure == nil {
			b.ended++
		} else {
			b.failed++
		}
	}
	b := s.bin(o.intended)
	if b == nil || o.failure != nil {
		return
	}
	b.latency.Record(o.end.Sub(o.intended))
	if !o.first.IsZero() {
		b.ttft.Record(o.first.Sub(o.intended))
	}
}

// points renders the series over a window of so many seconds; what ended later is no part of it.
func (s *series) points(window float64) []Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	points := make([]Point, 0, len(s.bins))
	for i, b := range s.bins {
		start := float64(i) * s.width.Seconds()
		seconds := min(s.width.Seconds(), window-start)
		if seconds < s.width.Seconds()/10 && i > 0 {
			break // too short for a rate
		}
		points = append(points, Point{
			Second: start, RequestsPerSecond: float64(b.ended) / seconds,
			ErrorsPerSecond: float64(b.failed) / seconds, TokensPerSecond: float64(b.tokens) / seconds,
			LatencyP50: milliseconds(b.latency.Quantile(.5)), LatencyP99: milliseconds(b.latency.Quantile(.99)),
			TTFTP50: milliseconds(b.ttft.Quantile(.5)), TTFTP99: milliseconds(b.ttft.Quantile(.99)),
		})
	}
	return points
}

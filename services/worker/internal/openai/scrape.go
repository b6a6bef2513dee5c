package openai

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sample is what one read of an upstream's /metrics says.
type sample struct {
	known            bool // one of the names below was there
	running, waiting float64
	kv               float64 // 0..1
	counters         counters
}

// counters are what a server has counted since it started; −1 where it does not say.
type counters struct {
	prompt, output float64 // tokens; the prompt's include those from the cache
	queries, hits  float64 // prompt tokens looked up in the prefix cache, and found
	hitRate        float64 // a server's own quotient of the two, 0..1
	started        float64 // Unix time of the server's start
}

// sums are the values of a page by what they mean; the second of two is that of old names.
type sums [quantities][2]struct {
	sum   float64
	count int
}

// of is the sum of a quantity, and of how many series; newer names win.
func (s *sums) of(q quantity) (sum float64, count int) {
	if v := s[q][0]; v.count > 0 {
		return v.sum, v.count
	}
	return s[q][1].sum, s[q][1].count
}

// mean is for quotients.
func (s *sums) mean(q quantity) float64 {
	sum, n := s.of(q)
	return min(max(sum/float64(max(n, 1)), 0), 1)
}

// told is the sum, or −1 where the page says nothing of it.
func (s *sums) told(q quantity) float64 {
	if sum, n := s.of(q); n > 0 {
		return sum
	}
	return -1
}

// readMetrics reads Prometheus text. Series of one name are summed over their labels, such as vLLM's engine (data-parallel
// servers), and taken once a pid (multi-process servers repeat themselves); of quotients it is the mean.
func readMetrics(page []byte) sample {
	var all sums
	var s sample
	seen := map[string]bool{}
	for line := range bytes.Lines(page) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		name, labels, value, ok := splitSeries(string(line))
		m, known := series[name]
		if !ok || !known {
			continue
		}
		if id := name + withoutPID(labels); !seen[id] {
			seen[id] = true
			s.known = s.known || m.of != startTime // that every Python process has
			old := 0
			if m.old {
				old = 1
			}
			all[m.of][old].sum += value
			all[m.of][old].count++
		}
	}
	s.running, _ = all.of(running)
	s.waiting, _ = all.of(waiting)
	s.kv = all.mean(kvUse)
	if room, _ := all.of(batchRoom); room > 0 {
		held, _ := all.of(batchTokens)
		s.kv = min(held/room, 1)
	}
	s.counters = all.counters()
	return s
}

func (s *sums) counters() counters {
	c := counters{
		prompt: s.told(promptTokens), output: s.told(outputTokens), queries: s.told(cacheQueries), hits: s.told(cacheHits),
		hitRate: -1, started: s.told(startTime),
	}
	if fresh := s.told(freshTokens); fresh >= 0 && c.prompt < 0 {
		c.prompt = fresh + max(c.hits, 0)
	}
	if c.queries < 0 && c.hits >= 0 {
		c.queries = c.prompt // a server that counts hits looks every prompt up
	}
	if _, n := s.of(cacheRate); n > 0 {
		c.hitRate = s.mean(cacheRate)
	}
	return c
}

// splitSeries takes name{labels} value [timestamp] apart.
func splitSeries(line string) (name, labels string, value float64, ok bool) {
	var rest string
	if open := strings.IndexByte(line, '{'); open >= 0 {
		end := strings.LastIndexByte(line, '}')
		if end < open {
			return "", "", 0, false
		}
		name, labels, rest = line[:open], line[open+1:end], line[end+1:]
	} else {
		space := strings.IndexAny(line, " \t")
		if space < 0 {
			return "", "", 0, false
		}
		name, rest = line[:space], line[space:]
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return "", "", 0, false
	}
	value, err := strconv.ParseFloat(fields[0], 64)
	return name, labels, value, err == nil && value >= 0 && value < 1e15
}

func withoutPID(labels string) string {
	start := strings.Index(labels, `pid="`)
	if start < 0 || start > 0 && labels[start-1] != ',' {
		return labels
	}
	end := strings.IndexByte(labels[start+5:], '"')
	if end < 0 {
		return labels
	}
	return labels[:start] + labels[start+5+end+1:]
}

// scrape reads the upstream's /metrics, where it has one, as long as the engine lives.
func (e *Engine) scrape() {
	if e.cfg.MetricsInterval == 0 {
		return
	}
	ticker := time.NewTicker(e.cfg.MetricsInterval)
	defer ticker.Stop()
	for {
		select {
		case <-e.stop.Done():
			return
		case <-ticker.C:
		}
		path := e.facts.Load().metrics
		if state, _, _ := e.health.get(); state != healthy || path == "" {
			continue
		}
		ctx, cancel := context.WithTimeout(e.stop, e.cfg.ProbeTimeout)
		status, page, err := e.fetch(ctx, http.MethodGet, path, nil)
		cancel()
		if err == nil && status == http.StatusOK {
			e.load.sampled(readMetrics(page), e.now(), e.cfg.MetricsInterval)
		}
	}
}

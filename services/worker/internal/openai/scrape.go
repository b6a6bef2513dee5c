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
	kvEngines        int     // series that kv is the sum of
	held, room       float64 // tokens in the batch, and how many fit: TGI says no more of its cache
}

// gauges are the names of the servers that we know: facts that differ in name only. vLLM renamed its cache gauge; both
// are read.
var gauges = map[string]func(*sample, float64){
	"vllm:num_requests_running":    addRunning,
	"sglang:num_running_reqs":      addRunning,
	"trtllm_num_requests_running":  addRunning,
	"llamacpp:requests_processing": addRunning,
	"tgi_batch_current_size":       addRunning,
	"vllm:num_requests_waiting":    addWaiting,
	"sglang:num_queue_reqs":        addWaiting,
	"trtllm_num_requests_waiting":  addWaiting,
	"llamacpp:requests_deferred":   addWaiting,
	"tgi_queue_size":               addWaiting,
	"vllm:kv_cache_usage_perc":     addKV,
	"vllm:gpu_cache_usage_perc":    addKV,
	"sglang:token_usage":           addKV,
	"trtllm_kv_cache_utilization":  addKV,
	"tgi_batch_current_max_tokens": func(s *sample, v float64) { s.held += v },
	"tgi_batch_max_total_tokens":   func(s *sample, v float64) { s.room += v },
}

func addRunning(s *sample, v float64) { s.running += v }
func addWaiting(s *sample, v float64) { s.waiting += v }
func addKV(s *sample, v float64)      { s.kv += v; s.kvEngines++ }

// readMetrics reads Prometheus text. Series of one name are summed over the label engine (data-parallel servers) and
// taken once a pid (multi-process servers repeat themselves); cache use is their mean.
func readMetrics(page []byte) sample {
	var s sample
	seen := map[string]bool{}
	for line := range bytes.Lines(page) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		name, labels, value, ok := splitSeries(string(line))
		if !ok {
			continue
		}
		add := gauges[name]
		if add == nil || name == "vllm:gpu_cache_usage_perc" && s.kvEngines > 0 && seen["kv"] {
			continue
		}
		if name == "vllm:kv_cache_usage_perc" && !seen["kv"] {
			seen["kv"], s.kv, s.kvEngines = true, 0, 0 // the new name wins over the old one
		}
		if id := name + withoutPID(labels); !seen[id] {
			seen[id] = true
			s.known = true
			add(&s, value)
		}
	}
	if s.kvEngines == 0 && s.room > 0 {
		s.kv, s.kvEngines = s.held/s.room, 1
	}
	if s.kvEngines > 0 {
		s.kv = min(max(s.kv/float64(s.kvEngines), 0), 1)
	}
	return s
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
			e.load.sampled(readMetrics(page), e.now())
		}
	}
}

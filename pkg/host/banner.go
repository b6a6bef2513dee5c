package host

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/conf"
)

// banner says what listens where and what the services add, and, once the process is ready, which streams are how
// durable: as plain lines for people, as log records where the log is JSON. work bounds the wait.
func (r *running) banner(work context.Context, services []Service) {
	h := r.Host
	h.say("process", fmt.Sprintf("%s version %s", h.ID, h.version))
	for _, proto := range []string{"http", "grpc"} {
		addr, on := h.Addrs()[proto]
		if !on {
			addr = "off"
		}
		h.say("listen "+proto, addr)
	}
	if h.Bus != nil && h.NATS.URL != "" {
		h.say("bus", conf.HidePasswords(h.NATS.URL))
	}
	for _, s := range services {
		b, ok := s.(bannered)
		if !ok {
			continue
		}
		for _, line := range b.Banner() {
			h.say(nameOf(s), line)
		}
	}
	if h.Bus != nil {
		go r.sayStreams(work)
	}
}

// sayStreams waits for readiness, since services create what they need while they start. Under the profile production it
// ends the process where a stream is not durable enough.
func (r *running) sayStreams(work context.Context) {
	h := r.Host
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for patience := time.After(10 * time.Second); len(h.health.reasons()) > 0; {
		select {
		case <-work.Done():
			return
		case <-patience:
			h.Log.Warn("not ready yet", "reasons", strings.Join(h.health.reasons(), "; "))
			patience = nil
		case <-tick.C:
		}
	}
	ctx, cancel := context.WithTimeout(work, CloseTime)
	defer cancel()
	lines := h.Bus.Durability(ctx)
	if len(lines) == 0 {
		lines = []string{"no streams: this process keeps nothing on the bus"}
	}
	for _, line := range lines {
		h.say("durability", line)
	}
	if h.cfg.Host.Production() {
		if err := h.Bus.Frail(ctx); err != nil && work.Err() == nil {
			r.ended <- result{"profile production", err}
		}
	}
}

// format is the log's, json or text.
func (h *Host) format() string { return h.cfg.Host.Log.FormatFor(h.stderr) }

// say writes one line of the banner.
func (h *Host) say(what, text string) {
	if h.format() == "text" {
		fmt.Fprintf(h.stderr, "%-12s %s\n", what, text)
		return
	}
	h.Log.Info("start", "what", what, "text", text)
}

package main_test

import (
	"regexp"
	"strings"
	"testing"
)

// One frame of a real fleet has the worker, its rate and what the router has queued; without a fleet, it says so.
func TestTopShowsTheFleetOnce(t *testing.T) {
	p := up(t, "--name=w-top")
	nats := regexp.MustCompile(`listens on (nats://[0-9.:]+)`).FindStringSubmatch(p.err.String())
	if nats == nil {
		t.Fatalf("no address of NATS in\n%s", p.err.String())
	}
	once := func(args ...string) string {
		c := leat(t.Context(), t, append([]string{"top", "--once", "--nats", nats[1]}, args...)...)
		if err := c.Run(); err != nil {
			t.Fatalf("%v\n%s", err, c.err.String())
		}
		return c.out.String()
	}
	frame := once("--addr", p.grpc)
	if !regexp.MustCompile(`(?m)^sim +1/1 +64 +0 +0 +0 +0 +0 +- `).MatchString(frame) || !regexp.MustCompile(`(?m)^w-top +sim +ready +sim +64 +0 +0 `).MatchString(frame) {
		t.Errorf("the fleet is not in\n%s", frame)
	}
	if alone := once("--addr", ""); !regexp.MustCompile(`(?m)^sim +1/1 +64 +0 +0 +- `).MatchString(alone) {
		t.Errorf("without a router, something else than a dash is queued:\n%s", alone)
	}
	c := leat(t.Context(), t, "top", "--once", "--nats", "nats://127.0.0.1:1", "--nats-connect-timeout", "1ms")
	if err := c.Run(); err == nil || !strings.Contains(c.err.String(), "name another with --nats") {
		t.Errorf("without NATS: %v %s", err, c.err.String())
	}
}

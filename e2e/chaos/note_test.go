package chaos_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// notes collects what tests measured, for the report.
var notes struct {
	sync.Mutex
	by map[string][]string // lines by section
}

// note adds a line to a section of the report.
func note(section, format string, args ...any) {
	notes.Lock()
	defer notes.Unlock()
	if notes.by == nil {
		notes.by = map[string][]string{}
	}
	notes.by[section] = append(notes.by[section], fmt.Sprintf(format, args...))
}

func TestMain(m *testing.M) {
	code := m.Run()
	if *wallPage != "" {
		if err := updateWall(*wallPage, notes.by["wall"]); err != nil {
			fmt.Fprintln(os.Stderr, "fault wall:", err)
			code = max(code, 1)
		}
	}
	if *report != "" {
		if err := os.WriteFile(*report, []byte(page()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "faults report:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// page is docs/faults.md.
func page() string {
	return strings.NewReplacer(
		"{date}", time.Now().UTC().Format(time.DateOnly), "{machine}", machine(),
		"{gone}", strings.Join(notes.by["gone"], "\n"), "{kills}", strings.Join(notes.by["kills"], "\n"), "{wall}", wallBegin+section(*report)+wallEnd,
	).Replace(template)
}

// machine names the processor and how much else it had to do.
func machine() string {
	name := runtime.GOARCH
	info, _ := os.ReadFile("/proc/cpuinfo") // elsewhere than on Linux the architecture must do
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			name = strings.TrimSpace(value)
			break
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	busy := ""
	if f := strings.Fields(string(load)); len(f) > 1 {
		busy = ", load average over 5 minutes at the end " + f[1]
	}
	return fmt.Sprintf("%d × %s%s", runtime.NumCPU(), name, busy)
}

const template = `# What faults cost

Written by ` + "`go test ./e2e/chaos -args -faults-report FILE`" + ` on {date}.
Machine: {machine}.
Processes of their own on the loopback interface, an external nats-server; engines, clients, Leat and whatever else the
machine had to do share the cores, so delays are upper bounds.

## One bad engine of six

Bad answers are error statuses, error events in a stream, connections that are cut or whose answer is no answer, and answers whose
client waits for more than 3 s for text.

{wall}
"Out" is when the router gives it no more work, "back" when a new request has its first token from it after it is healthy again. A
stream that an engine has begun cannot be finished by another one: a hang costs the streams that the engine had begun, or took in the
second until it was out, and truncation those and what it was given until it was out; each ends in one error event. Whole answers are
asked for again. An engine that flaps refuses connections every other half second. Garbage is bytes that are not HTTP, web pages under
status 200 and bodies that are no JSON, in turns.

An engine that is only slow costs no answer, but Leat's default policy gives it more than nginx's ` + "`least_conn`" + ` does: the router hears of a
first token when its answer ends. On 2026-11-26 21 streams began on it through Leat and one each through nginx, which shows in
the first token's p99.

Behind other gateways, 659 streams in all, as error statuses / cut or ended by an error event / time-outs (each measured once, on another
day, on two cores, six engines of which one is bad for 10 of 18 s):

| gateway | refuses connections | answers 500 | hangs in mid-stream |
|---|---|---|---|
| HAProxy 2.6, health check | 0 / 1 / 0 | 67 / 4 / 0 | 4 / 0 / 5 |
| Envoy 1.40 | 2 / 7 / 0 | 0 / 7 / 0 | 0 / 0 / 9 |
| smg 1.13 | 0 / 2 / 0 | 0 / 1 / 0 | 0 / 0 / 7 |
| vllm-router 0.1.17 | 0 / 5 / 0 | 0 / 6 / 0 | 0 / 0 / 6 |

## Killed processes

200 clients on two gateways, two routers and three simulated workers of 48 slots, unless said otherwise. Every complete
answer equals the undisturbed one, every part of one is its beginning; afterwards no slot, credit, goroutine or lease is
leaked. "Broken" streams had begun and ended in one typed error event; "cut" and "nothing" (no answer at all) are left to
the clients of a gateway that is gone.

{kills}

## A client that leaves

From the client's leaving to the free slot in the worker's books (the gateway's and the router's included), 67 clients a
stage, one after another, with company on all other slots whose answers stay the undisturbed ones. "openai" counts until
the upstream's connection is closed, too. "llama" books a slot as free while its last decode step still runs; what takes
the slot starts behind that step, so a decode is promised one step more.

| engine | stage | p50 ms | p99 ms | promised ms |
|---|---|---|---|---|
{gone}
`

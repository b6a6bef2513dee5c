package host_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

// TestAnIdleStreamCostsLittleMemory holds the host's part of the promise of at most 40 kB per idle open stream in the
// gateway: the child's handler waits after its first event, as a stream between tokens does.
func TestAnIdleStreamCostsLittleMemory(t *testing.T) {
	const streams, bound = 500, 30_000 // bytes; the rest is the gateway's own
	p := spawn(t, "--drain-timeout=100ms")
	p.ready(t)
	before := p.memory(t)
	for range streams {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, "GET /call HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		for r := bufio.NewReader(conn); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == "started\n" {
				break
			}
		}
	}
	perStream := (p.memory(t) - before) / streams
	t.Logf("%d bytes per idle stream", perStream)
	if perStream > bound && !detector || perStream <= 0 {
		t.Errorf("an idle stream costs %d bytes, want at most %d", perStream, bound)
	}
}

var inUse = regexp.MustCompile(`(?m)^go_memstats_(?:heap_inuse|stack_inuse)_bytes (\S+)$`)

// memory is the heap and stacks that the child uses, from its own metrics.
func (p *process) memory(t *testing.T) (sum int) {
	t.Helper()
	resp, err := http.Get("http://" + p.addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := inUse.FindAllSubmatch(text, -1)
	if len(found) != 2 {
		t.Fatalf("memory metrics are missing: %s", found)
	}
	for _, m := range found {
		n, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += int(n)
	}
	return sum
}

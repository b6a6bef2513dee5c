package main_test

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// Ctrl-C ends the answer that runs, in the gateway as well, and the conversation goes on; at the prompt it ends the chat.
func TestCtrlCEndsAnAnswerAndThenTheChat(t *testing.T) {
	p := up(t, "--sim-step-base=50ms")
	c := leat(t.Context(), t, "chat", "--url", p.url, "--max-tokens=5000")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for n, say := range []string{"count to a thousand\n", "once more\n"} {
		prompt := "(stopped; this turn is forgotten)\n> "
		eventually(t, "it asks", func() bool { return strings.HasSuffix(c.out.String(), "> ") })
		if _, err := io.WriteString(in, say); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it answers", func() bool { return !strings.HasSuffix(c.out.String(), "> ") && active(t, p) == "1" })
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the answer ends and it asks again", func() bool { return strings.Count(c.out.String(), prompt) == n+1 })
		eventually(t, "the request ends", func() bool { return active(t, p) == "0" })
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := c.code(t); code != 0 || c.err.String() != "" {
		t.Errorf("exit code %d at the prompt: %s", code, c.err.String())
	}
}

// active is how many requests are in flight, as the gateway counts them.
func active(t *testing.T, p *platform) string {
	t.Helper()
	resp, err := http.Get(p.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), `llm_active_requests{model="sim"} `)
	n, _, _ := strings.Cut(rest, "\n")
	return n
}

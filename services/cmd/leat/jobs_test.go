package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Answers stand in the order of the requests, however they were spelled; the same command again asks nothing anew; what failed
// is a dead letter that can be looked at and tried again.
func TestJobsOfAFile(t *testing.T) {
	p := up(t, "--name=w-jobs")
	nats := regexp.MustCompile(`listens on (nats://[0-9.:]+)`).FindStringSubmatch(p.err.String())[1]
	run := func(args ...string) (out, said string, err error) {
		c := leat(t.Context(), t, append([]string{"jobs"}, append(args, "--nats", nats)...)...)
		err = c.Run()
		return c.out.String(), c.err.String(), err
	}
	const n = 30
	var lines strings.Builder
	for i := range n {
		body := fmt.Sprintf(`{"model":"sim","max_tokens":%d,"messages":[{"role":"user","content":"%d"}]}`, 1+i%4, i)
		switch {
		case i == 7:
			body = `{"model":"sim","messages":[]}` // refused
		case i%2 == 1:
			body = fmt.Sprintf(`{"custom_id":"c%d","method":"POST","url":"/v1/chat/completions","body":%s}`, i, body)
		}
		lines.WriteString(body + "\n\n")
	}
	dir := t.TempDir()
	in, first, second := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "1"), filepath.Join(dir, "2")
	if err := os.WriteFile(in, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	_, said, err := run("submit", in, "--out", first)
	if err == nil || !strings.Contains(said, "1 of 30 requests failed") {
		t.Fatalf("%v\n%s", err, said)
	}
	_, _, _ = run("submit", in, "--out", second)
	a, err1 := os.ReadFile(first)
	b, err2 := os.ReadFile(second)
	if err1 != nil || err2 != nil || string(a) != string(b) {
		t.Errorf("the second time it answered otherwise: %v %v", err1, err2)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(a)), "\n") {
		var got struct {
			Index, Status int
			CustomID      string `json:"custom_id"`
			Response      struct {
				Usage struct {
					Completion int `json:"completion_tokens"`
				}
			}
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		custom, status, tokens := "", 200, 1+i%4
		if i == 7 {
			status, tokens = 400, 0
		} else if i%2 == 1 {
			custom = fmt.Sprint("c", i)
		}
		if got.Index != i || got.Status != status || got.CustomID != custom || got.Response.Usage.Completion != tokens {
			t.Errorf("line %d: %s", i, line)
		}
	}
	list, _, err := run("dlq", "list")
	letter := regexp.MustCompile(`(?m)^(\d+) .*-7 .*empty_array`).FindStringSubmatch(list)
	if err != nil || letter == nil {
		t.Fatalf("%v\n%s", err, list)
	}
	if shown, _, err := run("dlq", "show", letter[1]); err != nil || !strings.Contains(shown, `"messages":[]`) || !strings.Contains(shown, "reason") {
		t.Errorf("%v\n%s", err, shown)
	}
	if _, said, err := run("dlq", "requeue", letter[1]); err != nil || !strings.Contains(said, "queued again") {
		t.Errorf("%v\n%s", err, said)
	}
	if _, said, err := run("dlq", "show", letter[1]); err == nil || !strings.Contains(said, "leat jobs dlq list") {
		t.Errorf("%v\n%s", err, said)
	}
	if _, said, err := run("get", "no-such-job"); err == nil || !strings.Contains(said, "no result") {
		t.Errorf("%v\n%s", err, said)
	}
	for _, args := range [][]string{{"submit"}, {"submit", in, "x"}, {"submit", in, "--class", "urgent"}, {"get", "x", "--kind", "lunch"}, {"lunch"}, {"dlq", "show", "x"}} {
		if _, said, err := run(args...); err == nil || !strings.Contains(said, "leat jobs") {
			t.Errorf("%q: %v\n%s", args, err, said)
		}
	}
}

// Package guide_test runs docs/guide-data.md as a new user would: block by block, in an empty folder, and compares what it prints.
package guide_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/programs"
)

// within is what the guide promises.
const within = 5 * time.Minute

// block is a block of commands with what the page says that they print.
type block struct {
	line     int
	commands string
	prints   []string
}

// read returns the guide's blocks: ```sh is run, and the ```text that follows is what it prints.
func read(t *testing.T, page string) (blocks []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	kind := ""
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case kind != "" && line == "```":
			kind = ""
		case kind == "sh":
			blocks[len(blocks)-1].commands += line + "\n"
		case kind == "text" && strings.TrimSpace(line) != "":
			last := &blocks[len(blocks)-1]
			last.prints = append(last.prints, line)
		case line == "```sh":
			kind, blocks = "sh", append(blocks, block{line: i + 1})
		case kind == "" && strings.HasPrefix(line, "```"):
			kind = strings.TrimPrefix(line, "```")
		}
	}
	return blocks
}

// pattern of a printed line: … stands for anything, a number for any number, and blanks for any blanks.
func pattern(line string) *regexp.Regexp {
	p := regexp.QuoteMeta(strings.TrimSpace(line))
	p = strings.ReplaceAll(p, "…", ".*")
	p = regexp.MustCompile(`\d+`).ReplaceAllString(p, `\d+`)
	p = regexp.MustCompile(`\s+`).ReplaceAllString(p, `\s+`)
	return regexp.MustCompile(p)
}

const mark = "@@ block "

// script runs all blocks in one shell, so that what one starts or sets is there for the next, and ends what they started.
func script(t *testing.T, blocks []block) string {
	t.Helper()
	var s strings.Builder
	s.WriteString("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n")
	for i, b := range blocks {
		s.WriteString("echo '" + mark + string(rune('A'+i)) + "'\n" + b.commands)
	}
	grpc := free(t)
	text := strings.ReplaceAll(s.String(), "leat up ", "leat up --http "+free(t)+" --grpc "+grpc+" --nats-listen "+free(t)+" ")
	return regexp.MustCompile(`leat data runs?\b`).ReplaceAllString(text, "$0 --addr "+grpc)
}

// free is an address that nobody listens on: the guide has the usual ones, which may be taken where tests run.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestGuide(t *testing.T) {
	blocks := read(t, "../../docs/guide-data.md")
	if len(blocks) == 0 {
		t.Fatal("the guide has no commands")
	}
	lists(t)
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script(t, blocks))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(programs.Ours(t, "leat"))+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_DATA_HOME=", "XDG_CACHE_HOME=", "LEAT_CACHE="+programs.Cache())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v after %v; it printed\n%s", err, time.Since(began).Round(time.Second), out.String())
	}
	t.Logf("took %v", time.Since(began).Round(time.Second))
	compare(t, blocks, out.String())
}

// compare holds what was printed against the page: its lines, in their order, with others between.
func compare(t *testing.T, blocks []block, out string) {
	t.Helper()
	for i, part := range strings.Split(out, mark)[1:] {
		lines := strings.Split(part, "\n")[1:]
		for _, want := range blocks[i].prints {
			p, at := pattern(want), 0
			for at < len(lines) && !p.MatchString(lines[at]) {
				at++
			}
			if at == len(lines) {
				t.Errorf("line %d: the guide says %q; it printed\n%s", blocks[i].line, want, part)
				break
			}
			lines = lines[at+1:]
		}
	}
}

// lists has the machine know which packages there are.
func lists(t *testing.T) {
	t.Helper()
	if exec.CommandContext(t.Context(), "apt-cache", "show", "debian-faq").Run() == nil {
		return
	}
	if out, err := exec.CommandContext(t.Context(), "apt-get", "update", "-qq").CombinedOutput(); err != nil {
		t.Fatalf("the guide takes documents from Debian's packages: %v\n%s", err, out)
	}
}

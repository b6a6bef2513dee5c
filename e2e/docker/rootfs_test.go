package docker_test

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/e2e/scenario"
)

const deploy = "../../deploy/docker"

// image is a stage of the Dockerfile that ends as an image, with its root file system.
type image struct {
	root string
	env  []string
}

// build assembles the root file system of a stage from a program that the test built.
func build(t *testing.T, stage, program string, engine ...string) image {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(deploy, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(file), " AS "+stage+"\n")
	text, _, _ = strings.Cut(text, "\nFROM ")
	if !ok || !strings.Contains(text, "USER 65532:65532\n") || !strings.Contains(text, `ENTRYPOINT ["/entrypoint"]`) {
		t.Fatalf("stage %s of the Dockerfile is not what this test runs:\n%s", stage, text)
	}
	i := image{root: filepath.Join(t.TempDir(), "root")}
	i.env = strings.Fields(strings.TrimPrefix(regexp.MustCompile(`(?m)^ENV .*$`).FindString(text), "ENV "))
	args := append([]string{i.root, programs.Ours(t, program)}, engine...)
	if out, err := exec.CommandContext(t.Context(), filepath.Join(deploy, "rootfs.sh"), args...).CombinedOutput(); err != nil {
		t.Fatalf("rootfs.sh: %v\n%s", err, out)
	}
	open(t, i.root)
	return i
}

// open lets another user come by: a test's directories are its own.
func open(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // it holds nothing secret
			t.Fatal(err)
		}
	}
}

// command is a program and the arguments by which something runs inside an image.
func (i image) command(models string, args ...string) (string, []string) {
	all := append([]string{"-i", "PATH=" + os.Getenv("PATH")}, i.env...)
	all = append(all, "./inside.sh", i.root, models, "/entrypoint")
	return "env", append(all, args...)
}

func (i image) run(t *testing.T, args ...string) string {
	t.Helper()
	name, all := i.command(t.TempDir(), args...)
	out, err := exec.CommandContext(t.Context(), name, all...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s\n(this test needs to be root, or unprivileged user namespaces)", args, err, out)
	}
	return string(out)
}

// Every program starts in an image of its own, from which all else is missing but the source programs beside what may be an ingestor.
func TestEveryServiceStartsInItsImage(t *testing.T) {
	programs.Source(t, "sql")
	for _, name := range []string{"leat", "gateway", "router", "worker", "ingestor", "validator"} {
		i := build(t, "service", name)
		args, want := []string{"--help"}, "--nats"
		if name == "leat" {
			args, want = []string{"version"}, "leat "
		}
		if out := i.run(t, args...); !strings.Contains(out, want) {
			t.Errorf("%s: no %q in\n%s", name, want, out)
		}
		var programs []string
		if err := filepath.WalkDir(i.root, func(path string, d fs.DirEntry, err error) error {
			if info, ierr := d.Info(); err == nil && ierr == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && !strings.Contains(path, ".so") {
				programs = append(programs, strings.TrimPrefix(path, i.root))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		all := []string{"/usr/local/bin/" + name}
		if name == "leat" || name == "ingestor" {
			all = append(all, "/usr/local/bin/leat-source-sql")
			slices.Sort(all)
		}
		if !slices.Equal(programs, all) {
			t.Errorf("%s: the image has the programs %v, want %v", name, programs, all)
		}
	}
}

// The simulator answers from the thin image, and the real model from the worker's: as user 65532, with nothing to write to but /tmp
// and the cache.
func TestLeatServesFromItsImages(t *testing.T) {
	engines, err := filepath.Glob(filepath.Join(programs.Cache(), "engine", "llama-*"))
	if err != nil || len(engines) != 1 {
		t.Fatalf("the engine's libraries are not in %s (make fetch): %v %v", programs.Cache(), engines, err)
	}
	for _, c := range []struct {
		stage, model string
		engine, args []string
	}{
		{"service", "sim", nil, []string{"--engine", "sim"}},
		{"worker", "smollm2-135m-instruct", engines, nil},
	} {
		i, out := build(t, c.stage, "leat", c.engine...), &procs.Output{}
		models := filepath.Join(programs.Cache(), "models")
		name, args := i.command(models, append([]string{"up", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--nats-listen", "", "--nats-dir", "/tmp/nats", "--log-format", "json"}, c.args...)...)
		p := procs.Run(t, out, name, args...)
		scenario.Ready(t, p.URL())
		if user := owner(t, p.PID()); os.Getuid() == 0 && user != 65532 {
			t.Errorf("%s: runs as user %d", c.stage, user)
		}
		body := `{"model":"` + c.model + `","prompt":"The sky is","max_tokens":4,"temperature":0}`
		for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			status, answer := post(t, p.URL()+"/v1/completions", body)
			if status == http.StatusOK {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d %s\n%s", c.stage, status, answer, out.Tail(20))
			}
		}
		p.Stop(t)
	}
}

// owner is the user that a process runs as.
func owner(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^Uid:\s+(\d+)`).FindSubmatch(status)
	uid, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return uid
}

func post(t *testing.T, url, body string) (status int, answer string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

package run

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// takeProfiles samples the CPU of Leat in one process under unary requests and under streams.
func (b *bench) takeProfiles(ctx context.Context, f *fleet) error {
	if err := f.pace(ctx, "20ms", "20ms"); err != nil {
		return err
	}
	for _, p := range []struct {
		words string
		args  []string
	}{
		{"64 unary requests in flight", []string{"--concurrency", "64", "--stream=false", "--max-tokens", "16"}},
		{"1,000 streams × 50 tokens/s", []string{"--concurrency", "1000", "--ramp", "1300ms", "--max-tokens", "64"}},
	} {
		table, err := b.takeProfile(ctx, f.target(oneProcess), func() error {
			_, err := b.turn(ctx, f, f.target(oneProcess), "profile "+p.words, p.args)
			return err
		})
		if err != nil {
			return fmt.Errorf("take profile of %s: %w", p.words, err)
		}
		b.profiles = append(b.profiles, fmt.Sprintf("### %s\n\n%s", p.words, table))
	}
	return nil
}

// takeProfile samples a target while load runs, and says who used the CPU.
func (b *bench) takeProfile(ctx context.Context, t *target, load func() error) (string, error) {
	file := filepath.Join(b.Work, "cpu.pprof")
	fetched := make(chan error, 1)
	go func() { fetched <- fetchProfile(ctx, t.address, file, b.Warmup+b.Time) }()
	err := load()
	if fetchErr := <-fetched; err == nil {
		err = fetchErr
	}
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", "-unit=ms", b.leat, file).Output()
	if err != nil {
		return "", fmt.Errorf("read profile: %w", err)
	}
	return profileTable(string(out)), nil
}

func fetchProfile(ctx context.Context, address, file string, length time.Duration) error {
	seconds := max(1, int(length.Seconds()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, seconds), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("fetch profile: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch profile: %s: %w", resp.Status, err)
	}
	return os.WriteFile(file, data, 0o644)
}

// components are who a sample belongs to: the first frame, from the leaf up, whose function has one of the prefixes.
var components = []struct{ name, prefix string }{
	{"gateway", "github.com/leathq/leat/services/gateway"},
	{"router", "github.com/leathq/leat/services/router"},
	{"worker, engine `openai`", "github.com/leathq/leat/services/worker"},
	{"pkg/bus, pkg/events", "github.com/leathq/leat/pkg/bus"},
	{"pkg/bus, pkg/events", "github.com/leathq/leat/pkg/events"},
	{"pkg/host, pkg/obs", "github.com/leathq/leat/pkg/"},
	{"NATS client", "github.com/nats-io/nats%2ego"}, // as pprof spells nats.go
	{"NATS server", "github.com/nats-io/nats-server"},
	{"protobuf", "google.golang.org/protobuf"},
	{"protobuf", "github.com/leathq/leat/proto"},
	{"tracing and metrics", "go.opentelemetry.io"},
	{"tracing and metrics", "github.com/prometheus"},
	{"logging", "log/slog"},
	{"HTTP server (net/http)", "net/http.(*conn)"},
	{"HTTP server (net/http)", "net/http.(*response)"},
	{"HTTP server (net/http)", "net/http.(*connReader)"},
	{"HTTP server (net/http)", "net/http.checkConnErrorWriter"},
	{"HTTP client (net/http)", "net/http.(*Transport)"},
	{"HTTP client (net/http)", "net/http.(*persistConn)"},
	{"HTTP client (net/http)", "net/http.persistConnWriter"},
	{"HTTP client (net/http)", "net/http.(*Client)"},
	{"net/http, both sides", "net/http."},
	{"JSON", "encoding/json"},
	{"garbage collection", "runtime.gcBgMarkWorker"},
	{"garbage collection", "runtime.bgsweep"},
	{"garbage collection", "runtime.bgscavenge"},
	{"scheduler and timers", "runtime.schedule"},
	{"scheduler and timers", "runtime.mcall"},
	{"scheduler and timers", "runtime.sysmon"},
	{"scheduler and timers", "runtime.park_m"},
}

// share is a component's part of the samples, in ms.
type share struct {
	name               string
	all, kernel, alloc float64
}

// profileTable turns pprof's traces into who used the CPU, and how much of that in the kernel and in allocation.
func profileTable(traces string) string {
	shares := map[string]*share{}
	total := 0.0
	for _, block := range strings.Split(traces, "-----------+")[1:] {
		value, frames := trace(block)
		if value == 0 || len(frames) == 0 {
			continue
		}
		total += value
		name := owner(frames)
		s := shares[name]
		if s == nil {
			s = &share{name: name}
			shares[name] = s
		}
		s.all += value
		if strings.Contains(frames[0], "yscall") || strings.HasPrefix(frames[0], "runtime.futex") {
			s.kernel += value
		} else if slices.ContainsFunc(frames, func(f string) bool { return strings.HasPrefix(f, "runtime.mallocgc") }) {
			s.alloc += value
		}
	}
	var b strings.Builder
	b.WriteString("| who | CPU | of it in system calls | of it in allocation |\n|---|---:|---:|---:|\n")
	rows := slices.SortedFunc(maps.Values(shares), func(x, y *share) int { return cmp.Compare(y.all, x.all) })
	for _, s := range rows {
		if s.all < total/200 {
			continue
		}
		fmt.Fprintf(&b, "| %s | %.1f %% | %.1f %% | %.1f %% |\n", s.name, 100*s.all/total, 100*s.kernel/total, 100*s.alloc/total)
	}
	return b.String()
}

// trace reads one block: the value and the frames from the leaf up.
func trace(block string) (value float64, frames []string) {
	for line := range strings.Lines(block) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "---") {
			continue
		}
		if number, found := strings.CutSuffix(fields[0], "ms"); found && value == 0 {
			if v, err := strconv.ParseFloat(number, 64); err == nil {
				value, fields = v, fields[1:]
			}
		}
		if len(fields) > 0 {
			frames = append(frames, fields[0])
		}
	}
	return value, frames
}

func owner(frames []string) string {
	for _, frame := range frames {
		for _, c := range components {
			if strings.HasPrefix(frame, c.prefix) {
				return c.name
			}
		}
	}
	return "the rest"
}

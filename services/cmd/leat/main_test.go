package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	main "github.com/leathq/leat/services/cmd/leat"
)

// TestMain lets the test binary stand in for leat, as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("LEAT_TEST_LEAT") != "" {
		main.Main()
		return
	}
	os.Exit(m.Run())
}

// output is what a process has written so far.
type output struct {
	sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.Lock()
	defer o.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.Lock()
	defer o.Unlock()
	return o.text.String()
}

// process is leat with its output.
type process struct {
	*exec.Cmd
	out, err *output
}

// leat makes a process that sees no LEAT_ variable but those given as "NAME=value" before the arguments.
func leat(ctx context.Context, t *testing.T, words ...string) *process {
	t.Helper()
	env := []string{"LEAT_TEST_LEAT=1", "XDG_DATA_HOME=" + t.TempDir()}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "LEAT_") && !strings.HasPrefix(pair, "XDG_DATA_HOME=") {
			env = append(env, pair)
		}
	}
	for len(words) > 0 && strings.HasPrefix(words[0], "LEAT_") {
		env, words = append(env, words[0]), words[1:]
	}
	p := &process{Cmd: exec.CommandContext(ctx, os.Args[0], words...), out: &output{}, err: &output{}}
	p.Env, p.Stdout, p.Stderr = env, p.out, p.err
	return p
}

// code waits for the end of a process that was started.
func (p *process) code(t *testing.T) int {
	t.Helper()
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

// run runs leat to its end.
func run(t *testing.T, stdin string, words ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p := leat(ctx, t, words...)
	p.Stdin = strings.NewReader(stdin)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p.code(t), p.out.String(), p.err.String()
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "leat.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestMistakesHaveAnExitCodeAndASentence(t *testing.T) {
	gone := closedPort(t)
	for name, c := range map[string]struct {
		words []string
		code  int
		want  string
	}{
		"no command":            {nil, 2, "Usage: leat <command>"},
		"unknown command":       {[]string{"upp"}, 2, `"upp" is no command`},
		"unknown flag":          {[]string{"up", "--htp", ":1"}, 2, "leat up: unknown flag --htp; did you mean --http?\n"},
		"surplus word":          {[]string{"status", "now"}, 2, `"now" is not expected`},
		"a value out of range":  {[]string{"up", "--slots=-1"}, 2, "slots: -1"},
		"a value of bad type":   {[]string{"up", "--slots=many"}, 2, `flag --slots: "many"`},
		"no such service":       {[]string{"up", "--without", "rooter"}, 2, `leat up: without: "rooter" is no service`},
		"another one's flag":    {[]string{"worker", "--body-limit=1"}, 2, "unknown flag --body-limit"},
		"a bad variable":        {[]string{"LEAT_SLOTS=many", "up"}, 1, "environment variable LEAT_SLOTS"},
		"an unknown variable":   {[]string{"LEAT_SLOTZ=1", "worker"}, 1, "did you mean LEAT_SLOTS?"},
		"an unknown key":        {[]string{"up", "--config", file(t, "worker:\n  engin: sim\n")}, 1, "leat.yaml:2: unknown key worker.engin; did you mean worker.engine?"},
		"a pool's policy":       {[]string{"up", "--config", file(t, "pools:\n  default:\n    policy: foo\n")}, 1, `leat.yaml:3) is "foo"; it must be one of adaptive,`},
		"a pool's partitions":   {[]string{"router", "--config", file(t, "pools:\n  chat:\n    partitions: 0\n")}, 1, "pools.chat.partitions (file "},
		"a pool's time-out":     {[]string{"gateway", "--config", file(t, "pools:\n  chat:\n    timeouts: {idle: -1s}\n")}, 1, "pools.chat.timeouts.idle (file "},
		"a pool's name":         {[]string{"up", "--config", file(t, "pools:\n  \"my chat\": {max_fails: 1}\n")}, 1, "pools.my chat (file "},
		"no file":               {[]string{"up", "--config", "/nowhere.yaml"}, 1, "/nowhere.yaml: no such file"},
		"no gateway":            {[]string{"models", "--url", "http://" + gone}, 1, "no gateway answers"},
		"no scheme":             {[]string{"models", "--url", gone}, 2, "did you mean http://" + gone + "?"},
		"a name without scheme": {[]string{"models", "--url", "localhost:8080"}, 2, "did you mean http://localhost:8080?"},
		"nothing alike":         {[]string{"LEAT_TYPO=1", "router"}, 1, "unknown environment variable LEAT_TYPO; all variables are listed with --help"},
		"report to nowhere":     {[]string{"bench", "http://" + gone, "--html=/nowhere/report.html", "--requests=1"}, 1, "create HTML report: open /nowhere/report.html"},
		"no gateway to talk to": {[]string{"chat", "--url", "http://" + gone}, 1, "start one with `leat up`"},
		"no router":             {[]string{"status", "--addr", gone}, 1, "no router answers at " + gone},
		"no NATS":               {[]string{"router", "--nats", "nats://" + gone, "--nats-connect-timeout=50ms", "--grpc=127.0.0.1:0"}, 1, "connect to NATS at nats://" + gone},
		"no upstream":           {[]string{"up", "--engine=openai", "--model=m", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0", "--nats-listen="}, 1, "--upstream"},
		"bad fetch":             {[]string{"fetch", "--nope"}, 2, "leat fetch --help"},
		"bad bench":             {[]string{"bench"}, 2, "give exactly one URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, diag := run(t, "", c.words...)
			if code != c.code || !strings.Contains(diag, c.want) || out != "" {
				t.Errorf("exit code %d, want %d; stdout %q; stderr lacks %q:\n%s", code, c.code, out, c.want, diag)
			}
		})
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	_, usage, _ := run(t, "", "help")
	for _, line := range regexp.MustCompile(`(?m)^  ([a-z]+) `).FindAllStringSubmatch(usage, -1) {
		if line[1] == "version" {
			continue
		}
		t.Run(line[1], func(t *testing.T) {
			t.Parallel()
			code, out, diag := run(t, "", line[1], "--help")
			if code != 0 || diag != "" || !strings.Contains(out, "Usage: leat "+line[1]) {
				t.Errorf("exit code %d; stderr %q; stdout:\n%s", code, diag, out)
			}
		})
	}
}

func TestConfigTellsWhereEachValueCameFrom(t *testing.T) {
	path := file(t, "host: {http: 127.0.0.1:1, drain_timeout: 9s}\nworker: {slots: 4, engine: sim}\n")
	code, out, diag := run(t, "", "LEAT_SLOTS=5", "LEAT_HTTP=127.0.0.1:2", "config", "--config", path, "--http", "127.0.0.1:3")
	for _, want := range []string{
		`http: 127\.0\.0\.1:3 +# flag --http`, `drain_timeout: 9s +# file .*leat\.yaml:1`, `slots: 5 +# env LEAT_SLOTS`, `engine: sim +# file .*:2`, `h2c: false +# default`,
	} {
		if code != 0 || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("exit code %d, stderr %q; no %s in\n%s", code, diag, want, out)
		}
	}
	again, same, _ := run(t, "", "config", "--config", file(t, out))
	if strip := regexp.MustCompile(` +#.*`); again != 0 || strip.ReplaceAllString(same, "") != strip.ReplaceAllString(out, "") {
		t.Errorf("what it prints does not read back the same:\n%s", same)
	}
}

// The engines of one machine start from the worker's settings, whichever way those are set, and are printed whole.
func TestConfigShowsEveryEngineOfAWorker(t *testing.T) {
	path := file(t, "worker:\n  name: box\n  engine: sim\n  engines:\n    - {name: a, model: x, env: {TOKEN: hunter2}}\n    - {name: b, slots: 9}\n")
	code, out, diag := run(t, "", "LEAT_WEIGHT=3", "config", "--config", path, "--slots", "4")
	_, engines, _ := strings.Cut(out, "  engines:")
	a, b, _ := strings.Cut(engines, "name: b")
	for want, in := range map[string]string{
		`name: a +# file .*:5`: a, `model: x +# file .*:5`: a, `slots: 4 +# flag --slots`: a, `weight: 3 +# env LEAT_WEIGHT`: a, `engine: sim +# file .*:3`: a,
		`slots: 9 +# file .*:6`: b, `weight: 3`: b,
	} {
		if code != 0 || !regexp.MustCompile(want).MatchString(in) {
			t.Errorf("exit code %d, stderr %q; no %s in\n%s", code, diag, want, in)
		}
	}
	if strings.Contains(out, "hunter2") {
		t.Errorf("a variable's value is shown:\n%s", out)
	}
	for bad, says := range map[string]string{
		"[{name: a, slotz: 1}]":      "unknown key worker.engines[0].slotz",
		"[{name: a}, {name: a}]":     `two entries are named "a"`,
		"[{model: x}]":               "entry 1 has no name",
		"[{name: a, slots: 999999}]": "slots: 999999",
	} {
		if code, _, diag := run(t, "", "config", "--config", file(t, "worker: {engines: "+bad+"}\n")); code == 0 || !strings.Contains(diag, says) {
			t.Errorf("%s: exit code %d, %s; want %q", bad, code, diag, says)
		}
	}
}

// A pool's settings are shown whole: its own, those of the default pool, and ours.
func TestConfigShowsAPoolAsItWillBe(t *testing.T) {
	path := file(t, "pools:\n  chat:\n    queue_limit: 7\n  default: {max_fails: 5, timeouts: {idle: 9s}}\n")
	code, out, diag := run(t, "", "config", "--config", path)
	_, chat, _ := strings.Cut(out, "  chat:")
	chat, _, _ = strings.Cut(chat, "  default:")
	for _, want := range []string{
		`queue_limit: 7 +# file .*:3`, `max_fails: 5 +# file .*:4`, `idle: 9s +# file .*:4`, `policy: adaptive +# default`, `total: 5m +# default`,
	} {
		if code != 0 || !regexp.MustCompile(want).MatchString(chat) {
			t.Errorf("exit code %d, stderr %q; no %s in\n%s", code, diag, want, chat)
		}
	}
	_, help, _ := run(t, "", "up", "--help")
	if !strings.Contains(help, "yaml pools.NAME.timeouts.idle duration  (default 30s)") {
		t.Errorf("--help does not list the pools' keys:\n%s", help)
	}
}

func TestVersionNamesTheGoToolchain(t *testing.T) {
	if code, out, _ := run(t, "", "version"); code != 0 || !strings.HasPrefix(out, "leat ") || !strings.Contains(out, "go1.") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// The settings of the whole fleet may stand in one file and one environment.
func TestAServiceAloneReadsTheFleetsSettings(t *testing.T) {
	path := file(t, "gateway: {body_limit: 1MiB}\nembedded_nats: {sync: 1s}\npools: {default: {max_fails: 2}}\nwithout: [worker]\nrouter: {retry_burst: 3}\ndata: {partitions: 3}\nblob: {url: \"mem://\"}\ningestor: {dir: /tmp}\nvalidator: {memory: 64MiB}\nworker: {slots: 2}\n")
	for _, name := range []string{"gateway", "router", "ingestor", "validator", "worker"} {
		code, _, diag := run(t, "", "LEAT_CONFIG="+path, "LEAT_BODY_LIMIT=2MiB", "LEAT_NATS_LISTEN=", "LEAT_RETRY_BURST=4", "LEAT_SLOTS=3", "LEAT_CACHE=/nowhere",
			name, "--nats=nats://"+closedPort(t), "--nats-connect-timeout=50ms", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0")
		if code != 1 || !strings.Contains(diag, "connect to NATS") {
			t.Errorf("%s: exit code %d: %s", name, code, diag)
		}
	}
}

// A variable of one command is no mistake before another: who exports LEAT_ADDR for `leat data` can start the fleet and look at datasets. A mistyped one is one everywhere.
func TestAVariableOfAnotherCommandIsLeftAlone(t *testing.T) {
	gone := closedPort(t)
	for _, words := range [][]string{
		{"config"},
		{"up", "--without=worker", "--nats=nats://" + gone, "--nats-connect-timeout=50ms", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0"},
		{"router", "--nats=nats://" + gone, "--nats-connect-timeout=50ms", "--grpc=127.0.0.1:0"},
		{"drain", "w", "--nats=nats://" + gone, "--nats-connect-timeout=50ms"},
		{"jobs", "get", "1", "--nats=nats://" + gone, "--nats-connect-timeout=50ms"},
		{"data", "ls", "--store=/nowhere/store"},
		{"data", "runs"},
	} {
		if _, _, diag := run(t, "", append([]string{"LEAT_ADDR=" + gone, "LEAT_CLASS=bulk", "LEAT_ONCE=true"}, words...)...); strings.Contains(diag, "environment variable") {
			t.Errorf("leat %q with variables of other commands: %s", words, diag)
		}
		if code, _, diag := run(t, "", append([]string{"LEAT_ADRR=" + gone}, words...)...); code == 0 || !strings.Contains(diag, "unknown environment variable LEAT_ADRR") {
			t.Errorf("leat %q with a mistyped variable ended with %d: %s", words, code, diag)
		}
	}
	if code, _, diag := run(t, "", "LEAT_ADDR="+gone, "data", "runs"); code != 2 || !strings.Contains(diag, "no ingestor answers at "+gone) {
		t.Errorf("leat data asks another than LEAT_ADDR says: %d, %s", code, diag)
	}
}

// jsonLines fails where a line is not JSON: what collects logs reads them all.
func jsonLines(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

package ingestor_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/arrowio"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/ingestor/ingestortest"
)

// counterProgram is the name under which this test's binary is a source program.
const counterProgram = "leat-source-counter"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == counterProgram {
		os.Exit(counterMain(os.Args[len(os.Args)-1]))
	}
	os.Exit(m.Run())
}

// counterMain yields the numbers up to what stands in the file that its configuration names, after those up to the watermark.
func counterMain(mode string) int {
	control := os.NewFile(3, "control")
	say := func(format string, args ...any) { fmt.Fprintf(control, format+"\n", args...) }
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	var req struct {
		Config struct {
			File string `json:"file"`
			Env  string `json:"secret_env"`
		} `json:"config"`
		Since int64 `json:"since"`
		Part  struct{ From, To int64 }
	}
	if err := json.Unmarshal([]byte(line), &req); err != nil {
		return 3
	}
	say(`{"type":"hello","protocol":1,"name":"counter","version":"1"}`)
	if mode == "plan" {
		text, _ := os.ReadFile(req.Config.File)
		to, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || os.Getenv(req.Config.Env) != "s3cret" || os.Getenv("LEAT_STORE_SECRET") != "" {
			say(`{"type":"error","code":"wrong","message":"no number, or another environment: %v"}`, err)
			return 0
		}
		say(`{"type":"schema","schema":[{"name":"n","type":"int64","nullable":true}]}`)
		say(`{"type":"part","id":"%d-%d","spec":{"from":%d,"to":%d}}`, req.Since, to, req.Since, to)
		say(`{"type":"watermark","watermark":%d}`, to)
		say(`{"type":"done"}`)
		return 0
	}
	var ns []*int64
	for n := req.Part.From + 1; n <= req.Part.To; n++ {
		ns = append(ns, &n)
	}
	data, err := arrowio.Encode(arrowio.BatchOf(arrowio.Of("n", ns)))
	if err != nil {
		return 4
	}
	say(`{"type":"batch","number":0,"rows":%d,"bytes":%d,"cursor":1}`, len(ns), len(data))
	_, _ = os.Stdout.Write(data)
	say(`{"type":"done","batches":1,"rows":%d,"rejects":0}`, len(ns))
	return 0
}

// program puts this test's binary where an ingestor finds it.
func program(t *testing.T, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, counterProgram))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// of is a run of one source, as JSON.
func of(id, source string) *datav1.Run {
	r := reading(id)
	r.Name = strings.Split(id, "-")[0]
	r.Stages[0].Spec = []byte(`{"source": ` + source + `}`)
	return r
}

// A second run of a name takes what is new since the first, of whatever type the source is, and a secret comes by the name of its variable.
func TestASecondRunTakesOnlyWhatIsNew(t *testing.T) {
	t.Setenv("LEAT_SOURCE_COUNTER", "s3cret")
	t.Setenv("LEAT_STORE_SECRET", "not for sources")
	programs, counts := t.TempDir(), filepath.Join(t.TempDir(), "counts")
	program(t, programs)
	s := start(t, &counting{}, func(c *ingestor.Config) { c.Programs = programs })
	number := &atomic.Int64{}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		from := 0
		if r.URL.Query().Get("since") != "" { // the test's API counts in place of time
			from = 30
		}
		var items []string
		for n := from; n < int(number.Load()); n++ {
			items = append(items, fmt.Sprintf(`{"id": %d}`, n))
		}
		fmt.Fprintf(w, "[%s]", strings.Join(items, ","))
	}))
	t.Cleanup(api.Close)
	url, js := stream(t)
	for _, c := range []struct {
		name, source string
		namespace    string      // of what it reads, to catalogues
		grow         func(n int) // makes the input n records long
	}{
		{"files", `{"type": "jsonl", "path": "*.jsonl"}`, "file", func(n int) { s.lines(t, n) }},
		{"http", `{"type": "http", "url": "` + api.URL + `", "auth": {"env": "LEAT_SOURCE_COUNTER", "header": "Authorization"}, "since": {"param": "since"}}`,
			api.URL, func(n int) { number.Store(int64(n)) }},
		{"nats", `{"type": "nats", "url": "` + url + `", "stream": "THINGS"}`, "nats", func(n int) {
			info, err := js.Stream(t.Context(), "THINGS")
			if err != nil {
				t.Fatal(err)
			}
			for i := int(info.CachedInfo().State.Msgs); i < n; i++ {
				send(t, js, "things.a", fmt.Sprintf(`{"id": %d}`, i))
			}
		}},
		{"program", `{"type": "counter", "file": "` + counts + `", "secret_env": "LEAT_SOURCE_COUNTER"}`, "counter", func(n int) {
			if err := os.WriteFile(counts, []byte(fmt.Sprint(n)), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, want := range []struct{ size, rows int }{{30, 30}, {42, 12}} {
				c.grow(want.size)
				id := fmt.Sprintf("%s-%d", c.name, i)
				s.submit(t, of(id, c.source))
				got := s.follow(t, id)
				if got.GetPhase() != "complete" || got.GetStages()[1].GetCounts().GetValid() != uint64(want.rows) {
					t.Errorf("run %d is %s with %v, troubles %v; want %d rows", i, got.GetPhase(), got.GetStages()[1].GetCounts(), got.GetTroubles(), want.rows)
				}
				if e := ingestortest.Lineage(t, s.bus, id)[0]; len(e.Inputs) != 1 || e.Inputs[0].Namespace != c.namespace {
					t.Errorf("run %d has told that it reads %+v, want it in %s", i, e.Inputs, c.namespace)
				}
			}
		})
	}
}

// lines makes the site's files n good records long, by a new file.
func (s *site) lines(t *testing.T, n int) {
	t.Helper()
	there, _ := filepath.Glob(filepath.Join(s.dir, "*.jsonl"))
	for _, f := range there {
		text, _ := os.ReadFile(f)
		n -= strings.Count(string(text), "\n")
	}
	if err := os.WriteFile(filepath.Join(s.dir, fmt.Sprintf("%d.jsonl", len(there))), []byte(strings.Repeat("{\"id\": 1}\n", n)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whoever submits a run reaches no file, variable, command or address that the ingestor's settings do not open, and is told which setting would.
func TestARunReachesOnlyWhatTheSettingsOpen(t *testing.T) {
	t.Setenv("SECRET", "s3cret")
	programs, open, closed := t.TempDir(), t.TempDir(), t.TempDir()
	program(t, programs)
	if err := os.WriteFile(filepath.Join(closed, "a.jsonl"), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, &counting{}, func(c *ingestor.Config) { c.Programs, c.Dir, c.Paths = programs, open, []string{open} })
	for _, c := range []struct{ name, source, says string }{
		{"a file", `{"type": "jsonl", "path": "` + closed + `/a.jsonl"}`, "ingestor.paths"},
		{"a directory above", `{"type": "csv", "path": "../*"}`, "ingestor.paths"},
		{"a table's directory", `{"type": "delta", "path": "` + closed + `"}`, "ingestor.paths"},
		{"a dataset's directory", `{"type": "huggingface", "path": "` + closed + `"}`, "ingestor.paths"},
		{"a page of a local file", `{"type": "http", "url": "file://` + closed + `/a.jsonl"}`, "http://"},
		{"a file of credentials", `{"type": "nats", "url": "nats://localhost", "stream": "S", "creds": "` + closed + `/a.jsonl"}`, "ingestor.paths"},
		{"a variable, by HTTP", `{"type": "http", "url": "http://127.0.0.1:1", "auth": {"env": "SECRET", "header": "X"}}`, "ingestor.environment"},
		{"a variable, by NATS", `{"type": "nats", "url": "nats://localhost", "stream": "S", "token_env": "SECRET"}`, "ingestor.environment"},
		{"a variable, by a program", `{"type": "counter", "deep": [{"secret_env": "SECRET"}]}`, "ingestor.environment"},
		{"a command", `{"type": "program", "command": ["/bin/true"]}`, "ingestor.allow_commands"},
		{"an address of the cloud", `{"type": "http", "url": "http://169.254.169.254/latest"}`, "ingestor.allow_link_local"},
		{"the same by NATS", `{"type": "nats", "url": "nats://169.254.169.254", "stream": "S"}`, "ingestor.allow_link_local"},
		{"in other clothes", `{"type": "http", "url": "http://[::ffff:a9fe:a9fe]/latest"}`, "ingestor.allow_link_local"},
		{"a program by its path", `{"type": "x/../../../../../../../../../bin/true"}`, "no type"},
		{"a program that is not there", `{"type": "oracle"}`, "ingestor.sources_dir"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: of("x-1", c.source)})
			if code := status.Code(err); code != codes.InvalidArgument && code != codes.PermissionDenied || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want a refusal with %s", err, c.says)
			}
		})
	}
}

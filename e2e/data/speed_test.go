package data_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

var (
	sizes    = flag.String("sizes", "60", "Arrow MB of the runs whose speed and memory are measured, with commas")
	speedDoc = flag.String("speed-doc", "", "`FILE` whose section on data runs is written, such as docs/benchmarks.md")
	plotFile = flag.String("plot", "", "`FILE` to draw memory over size to, as SVG")
	profiles = flag.String("profiles", "", "`DIRECTORY` for a profile of five seconds of each service's processor time")
	hold     = flag.Bool("hold-bars", false, "fail below 60 MB/s")
)

// The bars of a data run by separate processes.
const (
	leastRate  = 60e6  // Arrow bytes a second on two cores
	mostMemory = 300e6 // resident bytes of a service, whatever the size of the input
)

// sample is what one run took.
type sample struct {
	bytes, rows int64
	took        time.Duration
	raw         float64 // bytes a second of NATS alone, beside it
	memory      map[string]int64
	cpu         map[string]time.Duration
}

func (s *sample) rate() float64 { return float64(s.bytes) / s.took.Seconds() }

var services = []string{"ingestor", "validator", "nats-server"}

// A run goes through an ingestor, a NATS server with its stream in files, and a validator that checks rows and writes Parquet, each a process of its own, and none of them
// takes more memory for more input.
func TestSpeedAndMemoryOfARun(t *testing.T) {
	var all []*sample
	about := machine(t)
	for _, text := range strings.Split(*sizes, ",") {
		var mb int64
		if _, err := fmt.Sscan(text, &mb); err != nil {
			t.Fatalf("-sizes: %q is no number", text)
		}
		s := run(t, mb*1e6)
		all = append(all, s)
		t.Logf("%d MB of Arrow data, %d rows, in %.1f s: %.0f MB/s (NATS alone %.0f MB/s); memory %s; processor seconds %v", s.bytes/1e6, s.rows, s.took.Seconds(), s.rate()/1e6,
			s.raw/1e6, megabytes(s.memory), s.cpu)
		for _, name := range []string{"ingestor", "validator"} {
			if s.memory[name] > mostMemory {
				t.Errorf("%s took %d MB for %d MB of input; %d are the most", name, s.memory[name]/1e6, s.bytes/1e6, int64(mostMemory/1e6))
			}
		}
	}
	if last := all[len(all)-1]; *hold && last.rate() < leastRate {
		t.Errorf("%.0f MB/s; %.0f are the least", last.rate()/1e6, leastRate/1e6)
	}
	if *plotFile != "" {
		if err := paint(*plotFile, all); err != nil {
			t.Error(err)
		}
	}
	if *speedDoc != "" {
		if err := write(*speedDoc, section(about, all)); err != nil {
			t.Error(err)
		}
	}
}

// run measures one run of a size.
func run(t *testing.T, size int64) *sample {
	input, err := os.MkdirTemp("", "leat-table-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(input)
	table(t, input, size)
	out := &sample{}
	t.Run(fmt.Sprint(size/1e6, " MB"), func(t *testing.T) {
		f := newFleet(t, input, 1, flow.DefaultConfig())
		began := time.Now()
		f.submit(&ingestorv1.SubmitRequest{Run: reading("r", `{"source": {"type": "parquet", "path": "*.parquet", "partition_bytes": 64000000}}`)})
		waits := f.profile()
		f.follow("r", false)
		out.took = time.Since(began)
		f.watcher.Look("r", func(s *flow.State) {
			out.bytes, out.rows = int64(s.Total().GetBytes()), int64(s.Total().GetRowsIn())
			if s.Ended().GetOutcome() != datav1.Outcome_OUTCOME_COMPLETE {
				t.Error(s.Ended())
			}
		})
		out.memory, out.cpu = map[string]int64{}, map[string]time.Duration{}
		for i, p := range []*procs.Process{f.ingestors[0], f.validators[0], f.nats.Process} {
			out.memory[services[i]], out.cpu[services[i]] = peak(t, p.PID()), spent(t, p.PID())
		}
		waits()
		out.raw = f.raw(min(size, 1e9))
	})
	return out
}

// profile takes profiles while a run is under way, where they are asked for; what it returns waits for them.
func (f *fleet) profile() (wait func()) {
	if *profiles == "" {
		return func() {}
	}
	var work sync.WaitGroup
	for name, p := range map[string]*procs.Process{"ingestor": f.ingestors[0], "validator": f.validators[0]} {
		work.Go(func() {
			for kind, path := range map[string]string{"cpu": "profile?seconds=5", "heap": "heap"} {
				resp, err := http.Get(p.URL() + "/debug/pprof/" + path)
				if err != nil {
					f.t.Error(err)
					return
				}
				data, err := io.ReadAll(resp.Body)
				if err := errors.Join(err, resp.Body.Close(), os.WriteFile(filepath.Join(*profiles, name+"."+kind), data, 0o600)); err != nil {
					f.t.Error(err)
				}
			}
		})
	}
	return work.Wait
}

func megabytes(by map[string]int64) string {
	var out []string
	for _, name := range services {
		out = append(out, fmt.Sprintf("%s %d MB", name, by[name]/1e6))
	}
	return strings.Join(out, ", ")
}

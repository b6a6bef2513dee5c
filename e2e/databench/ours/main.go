// Command ours runs a suite on a table that lies in memory, and prints what it took and what came out, as JSON: our side of the benchmark.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/validator/check"
)

func main() {
	profile := flag.String("profile", "", "write a CPU profile to this file")
	times := flag.Int("times", 1, "run so often, and say what the fastest took")
	stream := flag.Bool("stream", false, "read the Parquet file as it goes")
	memory := flag.Bool("bandwidth", false, "measure what one core reads and copies instead")
	flag.Parse()
	var err error
	switch {
	case *memory:
		err = measureMemory()
	case *stream:
		err = streamed(flag.Arg(0), flag.Arg(1))
	default:
		err = run(flag.Arg(0), flag.Arg(1), *profile, *times)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type report struct {
	Rows  int64   `json:"rows"`
	Bytes int64   `json:"bytes"` // of Arrow
	Wall  float64 `json:"wall"`  // seconds
	CPU   float64 `json:"cpu"`
	Data  int64   `json:"data"` // resident before
	Peak  int64   `json:"peak"` // resident at most
	Found []any   `json:"found"`
}

func run(data, suite, profile string, times int) error {
	runtime.GOMAXPROCS(1)

	batches, err := load(data + ".arrow")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(suite)
	if err != nil {
		return err
	}
	r := report{}
	for _, b := range batches {
		r.Rows += int64(b.Rows())
		r.Bytes += b.Bytes()
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	r.Data = status("VmRSS")
	for range times {
		if err := once(batches, text, &r); err != nil {
			return err
		}
	}
	r.Peak = status("VmHWM")
	return json.NewEncoder(os.Stdout).Encode(r)
}

// once holds all batches against the suite.
func once(batches []*arrowio.Batch, suite []byte, r *report) error {
	wall, cpu := time.Now(), cpuTime()
	plan, err := check.Compile(suite, batches[0].Schema(), check.Options{})
	if err != nil {
		return err
	}
	s := plan.NewTotal()
	for _, b := range batches {
		if _, err := s.Add(b); err != nil {
			return err
		}
	}
	result, err := plan.Result(s)
	if err != nil {
		return err
	}
	out, err := result.MarshalJSON()
	if err != nil {
		return err
	}
	took := time.Since(wall).Seconds()
	if r.Wall != 0 && r.Wall < took {
		return nil
	}
	r.Wall, r.CPU = took, (cpuTime() - cpu).Seconds()
	return found(out, r)
}

// found takes what the comparison looks at out of a result.
func found(out []byte, r *report) error {
	var parsed struct {
		Results []struct {
			Success     bool `json:"success"`
			Expectation struct {
				Type   string         `json:"type"`
				Kwargs map[string]any `json:"kwargs"`
			} `json:"expectation_config"`
			Result map[string]any `json:"result"`
		} `json:"results"`
	}
	if err := json.Unmarshal(out, &parsed); err != nil {
		return err
	}
	r.Found = nil
	for _, x := range parsed.Results {
		r.Found = append(r.Found, []any{x.Success, x.Expectation.Type, x.Expectation.Kwargs["column"], x.Result})
	}
	return nil
}

// load reads a file's batches into memory, cut as ours are on the bus: about 700 kB.
func load(name string) ([]*arrowio.Batch, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	in, err := file.OpenIPC(f, info.Size(), file.Options{})
	if err != nil {
		return nil, err
	}
	cut := arrowio.NewRechunker(700<<10, 1<<20)
	var out []*arrowio.Batch
	for {
		b, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		more, err := cut.Add(b)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	last, err := cut.Flush()
	return append(out, last...), err
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// status is a line of /proc/self/status, in bytes.
func status(key string) int64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

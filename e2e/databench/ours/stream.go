package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/validator/check"
)

// streamed holds a Parquet file against the suite without having it in memory.
func streamed(data, suite string) error {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(50) // as `leat data validate` does
	text, err := os.ReadFile(suite)
	if err != nil {
		return err
	}
	f, err := os.Open(data + ".parquet")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r := report{}
	wall, cpu := time.Now(), cpuTime()
	in, err := file.OpenParquet(f, info.Size(), file.Options{})
	if err != nil {
		return err
	}
	plan, err := check.Compile(text, in.Schema(), check.Options{})
	if err != nil {
		return err
	}
	s := plan.NewTotal()
	for {
		b, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		r.Rows, r.Bytes = r.Rows+int64(b.Rows()), r.Bytes+b.Bytes()
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
	r.Wall, r.CPU, r.Peak = time.Since(wall).Seconds(), (cpuTime() - cpu).Seconds(), status("VmHWM")
	if err := found(out, &r); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// measureMemory reads and copies a block that no cache holds, by CPU time as everything here is.
func measureMemory() error {
	runtime.GOMAXPROCS(1)
	const size = 256 << 20
	from, to := make([]uint64, size/8), make([]uint64, size/8)
	for i := range from {
		from[i] = uint64(i)
	}
	copy(to, from)
	var out struct {
		Read float64 `json:"read"`
		Copy float64 `json:"copy"`
	}
	var sum uint64
	for range 5 {
		began := cpuTime()
		var a, b, c, d uint64
		for i := 0; i+4 <= len(from); i += 4 {
			a, b, c, d = a+from[i], b+from[i+1], c+from[i+2], d+from[i+3]
		}
		sum += a + b + c + d
		out.Read = max(out.Read, size/(cpuTime()-began).Seconds())
		began = cpuTime()
		copy(to, from)
		out.Copy = max(out.Copy, size/(cpuTime()-began).Seconds())
	}
	if sum == 1 || to[1] != 1 {
		return errors.New("memory is not what was written to it")
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

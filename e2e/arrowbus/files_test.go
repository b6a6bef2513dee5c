package arrowbus_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
)

func python(t *testing.T, args ...string) []byte {
	t.Helper()
	line := append([]string{filepath.Join("python", "files.py")}, args...)
	cmd := exec.CommandContext(t.Context(), pythonClient(t)[0], line...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &said)
	}
	return out.Bytes()
}

func open(t *testing.T, path string) file.Reader {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r file.Reader
	o := file.Options{BatchRows: 77}
	if strings.HasSuffix(path, ".parquet") {
		r, err = file.OpenParquet(bytes.NewReader(data), int64(len(data)), o)
	} else {
		r, err = file.OpenIPC(bytes.NewReader(data), int64(len(data)), o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rows calls f with every row's values by column.
func rows(t *testing.T, r file.Reader, f func(row int, values map[string]any)) int {
	t.Helper()
	n := 0
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Rows() {
			values := map[string]any{}
			for c, field := range b.Schema().Fields {
				values[field.Name] = plain(b.Column(c).Value(i))
			}
			f(n, values)
			n++
		}
	}
}

func TestFilesThatPyarrowWroteAreReadValueByValue(t *testing.T) {
	dir := t.TempDir()
	python(t, "write", dir)
	raw, err := os.ReadFile(filepath.Join(dir, "rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want []map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.[pa]*"))
	if err != nil || len(files) != 9 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, path := range files {
		n := rows(t, open(t, path), func(row int, got map[string]any) {
			if !reflect.DeepEqual(got, want[row]) {
				t.Errorf("%s, row %d: %v\nwant %v", filepath.Base(path), row, got, want[row])
			}
		})
		if n != len(want) {
			t.Errorf("%s: %d rows of %d", filepath.Base(path), n, len(want))
		}
	}
}

func TestPyarrowReadsOurParquetValueByValue(t *testing.T) {
	b := table()
	keep := []int{}
	for i, f := range b.Schema().Fields {
		if file.Writable(&arrowio.Schema{Fields: []arrowio.Field{f}}) == nil {
			keep = append(keep, i)
		}
	}
	b = b.Select(keep...)
	var out bytes.Buffer
	w, err := file.NewParquetWriter(&out, b.Schema(), file.WriteOptions{RowGroupRows: 33})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(b), w.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ours.parquet")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	stream := filepath.Join(t.TempDir(), "stream.arrow")
	if err := os.WriteFile(stream, python(t, "read", path), 0o600); err != nil {
		t.Fatal(err)
	}
	n := rows(t, open(t, stream), func(row int, got map[string]any) {
		for c, f := range b.Schema().Fields {
			if want := plain(b.Column(c).Value(row)); !reflect.DeepEqual(got[f.Name], want) {
				t.Errorf("%s, row %d: %v, want %v", f.Name, row, got[f.Name], want)
			}
		}
	})
	if n != b.Rows() || len(keep) < 60 {
		t.Errorf("%d rows of %d, of %d columns", n, b.Rows(), len(keep))
	}
}

// plain is a value in the terms of JSON; times are seconds.
func plain(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case *big.Rat:
		f, _ := v.Float64()
		return f
	case []byte:
		return string(v)
	case time.Duration:
		return v.Seconds()
	case time.Time:
		return float64(v.Unix())
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

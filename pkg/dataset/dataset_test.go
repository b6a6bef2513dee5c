package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/dataset"
)

func openAny(t testing.TB) *dataset.Datasets { return open(t, "mem://") }

func open(t testing.TB, url string) *dataset.Datasets {
	t.Helper()
	s, err := blob.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return dataset.New(s)
}

// shard writes one of some rows.
func shard(t testing.TB, d *dataset.Datasets, text string, number int) dataset.Shard {
	t.Helper()
	s, err := d.Write(t.Context(), "parquet", func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
	if err != nil {
		t.Fatal(err)
	}
	s.Rows, s.Number = int64(len(text)), number
	return s
}

// manifest is one whose valid rows are in the shards.
func manifest(name string, shards ...dataset.Shard) *dataset.Manifest {
	n := dataset.Rows(shards)
	return &dataset.Manifest{Name: name, Shards: shards, Counts: dataset.Counts{In: n, Valid: n},
		Schema: []dataset.Field{{Name: "text", Type: "string", Nullable: true}}}
}

func publish(t testing.TB, d *dataset.Datasets, m *dataset.Manifest) string {
	t.Helper()
	v, err := d.Publish(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSameInputIsTheSameVersion(t *testing.T) {
	a, b := open(t, "mem://"), open(t, "mem://")
	one := manifest("docs", shard(t, a, "x", 0), shard(t, a, "yy", 1))
	one.Run, one.Created = "run-1", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	two := manifest("docs", shard(t, b, "yy", 1), shard(t, b, "x", 0)) // as they were done
	two.Run = "run-2"
	v := publish(t, a, one)
	if w := publish(t, b, two); w != v {
		t.Errorf("%s and %s", v, w)
	}
	if w := publish(t, a, two); w != v {
		t.Errorf("again: %s and %s", v, w)
	}
	m, err := a.Get(t.Context(), "docs", dataset.Short(v))
	if err != nil || m.Run != "run-1" || !m.Created.Equal(one.Created) {
		t.Errorf("publishing again changed the version: %+v %v", m, err)
	}
	three := manifest("docs", shard(t, a, "x", 0), shard(t, a, "zz", 1))
	if w := publish(t, a, three); w == v {
		t.Error("other rows are the same version")
	}
	all, err := a.Versions(t.Context(), "docs")
	if err != nil || len(all) != 2 || all[0].Version != three.Version {
		t.Errorf("%d versions, %v", len(all), err)
	}
}

func TestPublishRefuses(t *testing.T) {
	d := open(t, "mem://")
	for name, c := range map[string]struct {
		spoil func(m *dataset.Manifest)
		want  string
	}{
		"lost rows":      {func(m *dataset.Manifest) { m.Counts.In++ }, "the books do not balance: 4 rows in, but 3 valid"},
		"lost shard":     {func(m *dataset.Manifest) { m.Shards = nil }, "3 rows are valid, but their shards have 0"},
		"quarantine":     {func(m *dataset.Manifest) { m.Counts.In, m.Counts.Quarantined = 4, 1 }, "1 rows are quarantined"},
		"negative":       {func(m *dataset.Manifest) { m.Counts.Refused, m.Counts.In = -1, 2 }, "below 0"},
		"name":           {func(m *dataset.Manifest) { m.Name = "../x" }, "no name of a dataset"},
		"path":           {func(m *dataset.Manifest) { m.Shards[0].Path = "shards/../../etc/passwd.parquet" }, "is not that of a shard"},
		"path and slash": {func(m *dataset.Manifest) { m.Shards[0].Path += "/../x" }, "is not that of a shard"},
		"digest":         {func(m *dataset.Manifest) { m.Shards[0].Digest = "sha256:ABC" }, "is no digest"},
		"file":           {func(m *dataset.Manifest) { m.Files = []dataset.File{{Name: "r", Path: "x"}} }, "is no digest"},
		"twice":          {func(m *dataset.Manifest) { m.Schema = append(m.Schema, m.Schema[0]) }, `"text" twice`},
		"size":           {func(m *dataset.Manifest) { m.Shards[0].Bytes++ }, "3 bytes in mem:// and 4 in the manifest"},
		"absent": {func(m *dataset.Manifest) {
			m.Shards[0].Digest = "sha256:" + strings.Repeat("0", 64)
			m.Shards[0].Path = "shards/sha256/00/" + strings.Repeat("0", 64) + ".parquet"
		}, "no such object"},
	} {
		m := manifest("docs", shard(t, d, "abc", 0))
		c.spoil(m)
		if _, err := d.Publish(t.Context(), m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want …%s…", name, err, c.want)
		}
	}
	if all, err := d.List(t.Context()); err != nil || len(all) != 0 {
		t.Error("something was published:", all, err)
	}
}

func TestFailedChecksLeaveTheLatest(t *testing.T) {
	d := open(t, "mem://")
	good := publish(t, d, manifest("docs", shard(t, d, "good", 0)))
	bad, err := d.PublishAside(t.Context(), manifest("docs", shard(t, d, "not good", 0)))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := d.Latest(t.Context(), "docs"); err != nil || v != good {
		t.Errorf("%s is the latest, want %s: %v", v, good, err)
	}
	if m, err := d.Get(t.Context(), "docs", bad); err != nil || m.Counts.In != 8 {
		t.Error(m, err)
	}
}

func TestPublishersRace(t *testing.T) {
	d := open(t, "file://"+t.TempDir()+"?sync=0")
	var wg sync.WaitGroup
	for i := range 12 {
		m := manifest("docs", shard(t, d, fmt.Sprint("rows", i%6), 0))
		wg.Go(func() {
			if _, err := d.Publish(context.WithoutCancel(t.Context()), m); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := d.Versions(t.Context(), "docs")
	if err != nil || len(all) != 6 {
		t.Fatalf("%d versions, %v", len(all), err)
	}
	if _, err := d.Get(t.Context(), "docs", "latest"); err != nil {
		t.Error(err)
	}
}

// TestKilledPublisher kills a process that publishes version after version: whenever it dies, the latest version is whole.
func TestKilledPublisher(t *testing.T) {
	if dir := os.Getenv("LEAT_TEST_PUBLISH"); dir != "" {
		d := open(t, dir)
		for i := 0; ; i++ {
			publish(t, d, manifest("docs", shard(t, d, fmt.Sprint("first", i, os.Getpid()), 0), shard(t, d, fmt.Sprint("second", i), 1)))
		}
	}
	dir := t.TempDir()
	d := open(t, dir)
	publish(t, d, manifest("docs", shard(t, d, "before", 0)))
	moved := map[string]bool{}
	for range 15 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond+rand.N(60*time.Millisecond))
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledPublisher$")
		child.Env = append(os.Environ(), "LEAT_TEST_PUBLISH="+dir)
		if err := child.Run(); ctx.Err() == nil {
			t.Fatal("it was not killed:", err)
		}
		cancel()
		m, err := d.Get(t.Context(), "docs", "latest")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.Shards {
			r, err := d.Open(t.Context(), s.Path, s.Digest)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				t.Fatal(err)
			}
			r.Close()
		}
		moved[m.Version] = true
	}
	if len(moved) < 5 {
		t.Errorf("only %d versions were the latest: the test kills too early to say anything", len(moved))
	}
}

func TestFailedShardIsNotKept(t *testing.T) {
	d := open(t, "mem://")
	cut := errors.New("source cut")
	_, err := d.Write(t.Context(), "parquet", func(w io.Writer) error { io.WriteString(w, "half"); return cut })
	if !errors.Is(err, cut) {
		t.Error(err)
	}
	for o := range d.Store().List(t.Context(), "") {
		t.Error("there is", o.Key)
	}
}

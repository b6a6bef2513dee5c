package dataset_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/dataset"
)

func TestRemove(t *testing.T) {
	d := open(t, "mem://")
	old, now := manifest("docs", shard(t, d, "old", 0)), manifest("docs", shard(t, d, "newer", 0))
	old.Created = time.Now().Add(-time.Hour)
	publish(t, d, old)
	publish(t, d, now)
	if _, err := d.Remove(t.Context(), "docs", "", false); !errors.Is(err, dataset.ErrLatest) || !strings.Contains(err.Error(), "--force") {
		t.Error(err)
	}
	if v, err := d.Remove(t.Context(), "docs", "latest", true); err != nil || v != now.Version {
		t.Error(v, err)
	}
	if v, err := d.Latest(t.Context(), "docs"); err != nil || v != old.Version {
		t.Errorf("%s is the latest, want %s: %v", v, old.Version, err)
	}
	publish(t, d, now) // comes back
	if v, err := d.Latest(t.Context(), "docs"); err != nil || v != now.Version {
		t.Errorf("%s is the latest, want %s: %v", v, now.Version, err)
	}
	if n, err := d.RemoveAll(t.Context(), "docs"); err != nil || n != 2 {
		t.Error(n, err)
	}
	if _, err := d.Get(t.Context(), "docs", ""); !errors.Is(err, dataset.ErrNotFound) {
		t.Error(err)
	}
	if all, err := d.List(t.Context()); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	if publish(t, d, now); now.Version == "" {
		t.Error("a removed name cannot be used again")
	}
}

func TestGarbage(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	keep, gone, young := shard(t, d, "keep", 0), shard(t, d, "gone", 0), shard(t, d, "young", 0)
	again := shard(t, d, "again", 0)
	report := shard(t, d, "<html>", 0)
	bad := shard(t, d, "quarantined", 0)
	m := manifest("docs", keep)
	m.Quarantine, m.Counts.Quarantined, m.Counts.In = []dataset.Shard{bad}, bad.Rows, m.Counts.In+bad.Rows
	m.Files = []dataset.File{{Name: "report.html", Digest: report.Digest, Path: report.Path, Bytes: report.Bytes}}
	publish(t, d, m)
	ago := time.Now().Add(-3 * time.Hour)
	for _, s := range []dataset.Shard{keep, gone, again, report, bad} {
		if err := os.Chtimes(filepath.Join(dir, s.Path), ago, ago); err != nil {
			t.Fatal(err)
		}
	}
	shard(t, d, "again", 0) // by a run that has not published yet
	if _, err := d.GC(t.Context(), time.Minute, true); err == nil {
		t.Error("a grace of a minute was taken")
	}
	for _, dry := range []bool{true, false, true} {
		g, err := d.GC(t.Context(), 2*time.Hour, dry)
		if err != nil || g.Kept != 3 || g.Young != 2 {
			t.Fatalf("%+v %v", g, err)
		}
		_, err = os.Stat(filepath.Join(dir, gone.Path))
		switch there := err == nil; {
		case len(g.Files) == 1 && g.Bytes == 4 && g.Files[0].Key == gone.Path && there == dry: // to be freed, or just freed
		case len(g.Files) == 0 && dry && !there: // the last look
		default:
			t.Errorf("dry %v: %+v, there: %v", dry, g, there)
		}
	}
	for _, s := range []dataset.Shard{keep, young, again, report, bad} {
		if _, err := d.Store().Stat(t.Context(), s.Path); err != nil {
			t.Error(err)
		}
	}
}

// TestGarbageInDoubt: a manifest that cannot be read may name anything.
func TestGarbageInDoubt(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	s := shard(t, d, "rows", 0)
	ago := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, s.Path), ago, ago); err != nil {
		t.Fatal(err)
	}
	if err := d.Store().Put(t.Context(), "datasets/docs/versions/"+strings.Repeat("a", 64)+".json", strings.NewReader("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.GC(t.Context(), time.Hour, false); err == nil || !strings.Contains(err.Error(), "nothing was deleted") {
		t.Error(err)
	}
	if _, err := d.Store().Stat(t.Context(), s.Path); err != nil {
		t.Error(err)
	}
}

package spill_test

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/spill"
)

func TestARunReadsAsItWasWrittenAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	run, err := spill.Dir(dir).Create()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("some bytes ", 20000)
	if _, err := io.WriteString(run, want); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := run.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != want {
			t.Fatalf("%d bytes came back of %d: %v", len(got), len(want), err)
		}
		_ = r.Close()
	}
	if _, err := run.Write([]byte("more")); err == nil {
		t.Error("a run that is read takes more")
	}
	if err := run.Remove(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestADirectoryThatIsNotThereIsNamed(t *testing.T) {
	_, err := spill.Dir("/nowhere/at/all").Create()
	if err == nil || !strings.Contains(err.Error(), "/nowhere/at/all") {
		t.Errorf("got %v", err)
	}
}

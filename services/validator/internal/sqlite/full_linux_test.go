package sqlite_test

import (
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/leathq/leat/services/validator/internal/sqlite"
)

// A question that finds no room for what it sorts was not answered, which says nothing of the question; one that is wrong is.
func TestAFullDiskIsNoAnswer(t *testing.T) {
	d, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Create([]string{"text"}, []string{"TEXT"}); err != nil {
		t.Fatal(err)
	}
	for i := range 40_000 {
		if err := d.Add([]any{fmt.Sprint(i*7919%40_009, strings.Repeat("x", 200))}); err != nil {
			t.Fatal(err)
		}
	}
	group := "SELECT text, COUNT(*) c FROM batch GROUP BY text HAVING c > 1"
	var trouble *sqlite.Trouble
	if _, rows, err := d.Ask(group, 1); err != nil || len(rows) != 0 {
		t.Fatal(rows, err)
	}
	if _, _, err := d.Ask("SELECT nosuch FROM batch", 1); err == nil || errors.As(err, &trouble) {
		t.Errorf("a wrong question: %v", err)
	}
	smallFiles(t, 1<<20)
	if _, rows, err := d.Ask(group, 1); !errors.As(err, &trouble) || !strings.Contains(err.Error(), "scratch") {
		t.Errorf("with no room: %v %v", rows, err)
	}
}

// smallFiles lets this process write no file beyond so many bytes for the rest of the test.
func smallFiles(t *testing.T, most uint64) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	})
}

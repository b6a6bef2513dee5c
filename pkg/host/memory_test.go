package host_test

import (
	"io"
	"runtime/debug"
	"testing"

	"github.com/leathq/leat/pkg/host"
)

// A program's own bound for its memory holds where the user has not set one.
func TestAProgramsSoftMemoryGivesWayToTheUsers(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct {
		environ []string
		want    int64
	}{{[]string{"GOMEMLIMIT=1GiB"}, before}, {nil, 300 << 20}} {
		h, err := host.Open(t.Context(), "test", []string{"--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}, c.environ, nil, host.NoBus(), host.Stderr(io.Discard), host.SoftMemory(300<<20))
		if err != nil {
			t.Fatal(err)
		}
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("with %v the limit is %d, want %d", c.environ, got, c.want)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

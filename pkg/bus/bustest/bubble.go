package bustest

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"

	"github.com/leathq/leat/pkg/bus/embed"
)

// Bubble runs f in virtual time (testing/synctest): the clock stands while anything is computed and jumps ahead when all
// wait, so what f measures does not depend on the machine. Its server is StartInProcess's. No other test of the process
// may use NATS meanwhile.
func Bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	outside()
	forgetTimers()
	defer forgetTimers()
	synctest.Test(t, f)
}

// outside keeps the server's clock of cache access times out of every bubble: it is one goroutine of the process that
// waits for a channel made before, and time in a bubble stands while a goroutine waits for something outside.
var outside = sync.OnceFunc(ats.Register)

// forgetTimers empties the NATS client's pool of timers, which the runtime refuses to share between bubbles. Two
// collections empty every sync.Pool: what the first one spares, the second one takes.
func forgetTimers() {
	runtime.GC()
	runtime.GC()
}

// StartInProcess runs a NATS server with JetStream and without a socket for the length of the test.
func StartInProcess(t testing.TB) *embed.Server {
	t.Helper()
	return start(t, embed.Config{Dir: t.TempDir(), Sync: time.Minute})
}

package natsusers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/events"
)

// violations is a server's log, as far as it says what it forbade.
type violations struct {
	mu    sync.Mutex
	lines []string
}

func (v *violations) Errorf(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if !strings.Contains(line, "Violation") {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lines = append(v.lines, line)
}

func (v *violations) list() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.lines)
}

func (v *violations) Noticef(string, ...any) {}
func (v *violations) Warnf(string, ...any)   {}
func (v *violations) Fatalf(string, ...any)  {}
func (v *violations) Debugf(string, ...any)  {}
func (v *violations) Tracef(string, ...any)  {}

func password(role events.Role) string { return "secret-of-" + string(role) }

// serve runs a nats-server by a configuration file, as `nats-server -c` reads it, for the length of the test.
func serve(t *testing.T, conf string) (url string, forbidden *violations) {
	t.Helper()
	for _, r := range events.Roles() {
		t.Setenv("LEAT_"+strings.ToUpper(string(r))+"_PASSWORD", password(r))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nats.conf")
	conf = fmt.Sprintf("listen: 127.0.0.1:-1\njetstream {store_dir: %q}\n", dir) + conf
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o.NoSigs = true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	forbidden = &violations{}
	s.SetLogger(forbidden, false, false)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL(), forbidden
}

// connect opens a connection under a role's user.
func connect(t *testing.T, url string, role events.Role) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, nats.UserInfo(string(role), password(role)), nats.CustomInboxPrefix("_INBOX."+string(role)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // the server's log is looked at
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// refused says whether the server forbade what do does. It logs a refusal before it answers the flush behind it.
func (v *violations) refused(t *testing.T, nc *nats.Conn, do func() error) bool {
	t.Helper()
	before := len(v.list())
	if err := do(); err != nil {
		t.Fatal(err)
	}
	if err := nc.FlushTimeout(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	return len(v.list()) > before
}

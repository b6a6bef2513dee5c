package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"database/sql"
)

// cluster starts a real Postgres of its own, which ends with the test, and returns a connection string.
func cluster(t *testing.T) string {
	t.Helper()
	bin := binaries(t)
	dir, err := os.MkdirTemp("", "leat-pg") // t.TempDir is root's alone, where root runs the tests
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var as *syscall.SysProcAttr
	if os.Getuid() == 0 { // Postgres refuses to run as root
		const nobody = 65534
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	run(t, as, filepath.Join(bin, "initdb"), "-D", data, "-U", "leat", "-A", "trust", "-E", "UTF8", "--no-sync")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", fmt.Sprint(port), "-c", "listen_addresses=127.0.0.1", "-k", dir, "-F")
	server.SysProcAttr, server.Dir = as, dir
	var log bytes.Buffer
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Signal(os.Interrupt); _ = server.Wait() })
	dsn := fmt.Sprintf("postgres://leat@127.0.0.1:%d/postgres?sslmode=disable", port)
	if err := reachable(t.Context(), dsn); err != nil {
		t.Fatalf("Postgres did not start: %v\n%s", err, log.String())
	}
	return dsn
}

// binaries is where Debian, or PATH, has Postgres.
func binaries(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		t.Fatal("there is no Postgres to test with: install it (Debian: apt-get install postgresql)")
	}
	return filepath.Dir(path)
}

func run(t *testing.T, as *syscall.SysProcAttr, command ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.SysProcAttr, c.Dir = as, "/"
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

func reachable(ctx context.Context, dsn string) (err error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		wait := time.NewTimer(50 * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
	}
	return err
}

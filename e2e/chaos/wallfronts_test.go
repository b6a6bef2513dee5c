package chaos_test

import (
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

	"github.com/leathq/leat/e2e/bench/upstream"
	"github.com/leathq/leat/e2e/driver/procs"
)

// The ways to the engines.
const (
	leat          = "Leat"
	nginxPlain    = "nginx, as it comes"
	nginxRetrying = "nginx, told to retry"
)

// front is one way to the six engines, with clients of its own.
type front struct {
	name, address string
	load          *load
	got           []*outcome
}

func (f *front) begin(n size) {
	f.load = beginResting(n.streams+n.whole, func(int) string { return f.address },
		func(client, _ int) ask {
			a := ask{Model: "wall", Prompt: "Say something.", MaxTokens: 64, Stream: true}
			if client >= n.streams {
				a.MaxTokens, a.Stream = 4, false
			}
			return a
		},
		func(o *outcome) time.Duration {
			switch {
			case o.verdict() != complete:
				return 500 * time.Millisecond // as SDKs wait before they try again
			case !o.ask.Stream:
				return 50 * time.Millisecond
			}
			return 0
		})
}

// end stops the clients. Workers get their names: nginx tells addresses, of which the last one answered.
func (f *front) end(engines []*upstream.Server) {
	f.got = f.load.end()
	if f.name == leat {
		return
	}
	names := map[string]string{}
	for i, s := range engines {
		names[s.Address()] = fmt.Sprintf("w%d", i)
	}
	for _, o := range f.got {
		tried := strings.Split(o.worker, ", ")
		o.worker = names[tried[len(tried)-1]]
	}
}

// nginxConfig has one nginx in front of the engines twice: with what it does by itself, and with all that its
// configuration offers against bad servers, at the numbers that Leat has.
const nginxConfig = `worker_processes 1; daemon off; master_process off; pid %[1]s/nginx.pid; error_log %[1]s/nginx.log crit;
events { worker_connections 4096; }
http {
	access_log off; keepalive_requests 100000000;
	client_body_temp_path %[1]s/n1; proxy_temp_path %[1]s/n2; fastcgi_temp_path %[1]s/n3; uwsgi_temp_path %[1]s/n4; scgi_temp_path %[1]s/n5;
	proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
	add_header X-Leat-Worker $upstream_addr always;
	upstream plain { least_conn;%[2]s keepalive 256; }
	upstream retrying { least_conn;%[3]s keepalive 256; }
	server { listen %[4]s; location / { proxy_pass http://plain; } }
	server {
		listen %[5]s;
		location / {
			proxy_pass http://retrying;
			proxy_connect_timeout 1s; proxy_read_timeout 1s;
			proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504 non_idempotent;
			proxy_next_upstream_tries 3;
		}
	}
}
`

func startNginx(t *testing.T, engines []*upstream.Server) []*front {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatal("nginx is not installed: install your system's package of it (Debian: nginx-light), or leave -wall out")
	}
	dir := t.TempDir()
	var plain, retrying strings.Builder
	for _, s := range engines {
		fmt.Fprintf(&plain, " server %s;", s.Address())
		fmt.Fprintf(&retrying, " server %s max_fails=3 fail_timeout=2s;", s.Address())
	}
	a, b := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, plain.String(), retrying.String(), a, b), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, "-c", file) // ended by the clean-up
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which the answers have shown
		_ = cmd.Wait()
	})
	procs.Within(t, 10*time.Second, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", b)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return []*front{{name: nginxPlain, address: a}, {name: nginxRetrying, address: b}}
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

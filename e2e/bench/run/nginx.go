package run

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// nginx is the peer that is measured beside Leat where it is installed: a plain reverse proxy in C with kept
// connections and without buffering, which neither queues, balances by load, counts tokens nor survives its upstream.
const nginx = "nginx"

const nginxConfig = `worker_processes 1; daemon off; master_process off; pid %[1]s/nginx.pid; error_log %[1]s/nginx-errors.log;
events { worker_connections 16384; }
http {
	access_log off; keepalive_requests 100000000;
	client_body_temp_path %[1]s/n1; proxy_temp_path %[1]s/n2; fastcgi_temp_path %[1]s/n3; uwsgi_temp_path %[1]s/n4; scgi_temp_path %[1]s/n5;
	upstream engine { server %[2]s; keepalive 4096; }
	server {
		listen %[3]s;
		location / { proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
	}
}
`

// startNginx starts nginx in front of the upstream; found is false where it is not installed.
func (b *bench) startNginx(ctx context.Context, f *fleet) (found bool, err error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		b.say("nginx is not installed: no peer beside Leat")
		return false, nil //nolint:nilerr // it is only a yardstick
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return false, err
	}
	config := filepath.Join(b.Work, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, b.Work, f.address, address), 0o600); err != nil {
		return false, fmt.Errorf("write nginx's configuration: %w", err)
	}
	t := &target{name: nginx, address: address}
	p, err := b.start(ctx, nginx, path, "-c", config)
	if err != nil {
		return false, err
	}
	t.processes = append(t.processes, p)
	f.targets = append(f.targets, t)
	return true, p.await(ctx, serves(address))
}

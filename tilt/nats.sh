#!/usr/bin/env bash
# Builds nats-server into leat's cache, once; with "serve PORT" it runs it.
set -euo pipefail
cd "$(dirname "$0")"
version=v2.15.2
dir=${LEAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leat}/tools/nats-server-$version
if [ ! -x "$dir/nats-server" ]; then
	echo "building nats-server $version into $dir; the first time takes a minute"
	GOBIN=$dir GOWORK=off GOFLAGS= CGO_ENABLED=0 go install github.com/nats-io/nats-server/v2@$version
fi
if [ "${1:-}" = serve ]; then exec "$dir/nats-server" -c nats.conf -sd ../bin/tilt/nats -a 127.0.0.1 -p "$2"; fi

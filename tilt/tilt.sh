#!/usr/bin/env bash
# Runs Tilt: the one in the path, else one that is built into leat's cache, once. It needs a C compiler and some minutes: Tilt can be
# installed neither by `go install` (its module has replacements) nor with the vendored packages in its module, which lack files.
set -euo pipefail
version=v0.33.0
tilt=$(command -v tilt || true)
if [ -z "$tilt" ]; then
	dir=${LEAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leat}/tools/tilt-$version
	tilt=$dir/tilt
	if [ ! -x "$tilt" ]; then
		echo "building Tilt $version into $dir; the first time takes minutes" >&2
		src=$(mktemp -d)
		trap 'chmod -R u+w "$src"; rm -rf "$src"' EXIT
		mkdir -p "$dir"
		module=$(cd "$src" && GOWORK=off go mod download -json "github.com/tilt-dev/tilt@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
		cp -R "$module/." "$src/"
		chmod -R u+w "$src"
		rm -rf "$src/vendor"
		(cd "$src" && CGO_ENABLED=1 GOWORK=off GOFLAGS=-buildvcs=false go build -mod=mod -trimpath -o "$tilt" ./cmd/tilt)
		chmod -R u+w "$src"
		rm -rf "$src"
		trap - EXIT
	fi
fi
cd "$(dirname "$0")"
exec "$tilt" "$@"

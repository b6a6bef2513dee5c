#!/usr/bin/env bash
# Checks proto/ for breaking changes against main; on main itself, against the commit before. Usage: breaking.sh BUF-COMMAND…
set -euo pipefail
cd "$(dirname "$0")/.."
base=main
if [ "$(git rev-parse HEAD)" = "$(git rev-parse --verify -q main || true)" ]; then
	base=$(git rev-list -n 1 HEAD~1 2>/dev/null || true)
fi
if [ -z "$base" ] || ! git rev-parse --verify -q "$base" >/dev/null || ! git cat-file -e "$base:buf.yaml" 2>/dev/null; then
	echo "nothing to compare proto/ with yet"
	exit 0
fi
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
git archive "$base" proto buf.yaml | tar -x -C "$old"
"$@" breaking --against "$old"

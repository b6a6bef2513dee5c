#!/usr/bin/env bash
# Installs what the test of this folder needs: axe-core and playwright-core at pinned versions in $LEAT_CACHE/report (else the user's cache), and Chromium from the system
# (Debian: chromium, which is installed where this runs as root). Quick where it is all there. Needs node and npm.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "$(uname -s)" in
Darwin) cache="$HOME/Library/Caches" ;;
*) cache="${XDG_CACHE_HOME:-$HOME/.cache}" ;;
esac
dir="${LEAT_CACHE:-$cache/leat}/report"
mkdir -p "$dir"

# One at a time: two test runs may start together.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$dir/lock"
  flock 9
fi

if ! command -v npm >/dev/null 2>&1; then
  echo "install.sh: npm is missing. Install Node 20 or newer, which has it." >&2
  exit 1
fi
stamp=$(cat "$here/package.json" "$here/package-lock.json" | cksum)
if [[ "$(cat "$dir/node/stamp" 2>/dev/null)" != "$stamp" ]]; then
  echo "installing playwright-core and axe-core into $dir/node"
  rm -rf "$dir/node"
  mkdir -p "$dir/node"
  cp "$here/package.json" "$here/package-lock.json" "$dir/node/"
  (cd "$dir/node" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
  echo "$stamp" >"$dir/node/stamp"
fi
if [[ -z "${CHROMIUM:-}" ]] && ! command -v chromium >/dev/null 2>&1; then
  if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Chromium for the test of reports"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  else
    echo "install.sh: there is no Chromium to open pages with. Install it (Debian: apt-get install chromium), or say where it is by CHROMIUM." >&2
    exit 1
  fi
fi

#!/usr/bin/env bash
# Installs what the tests of this folder need, at pinned versions, outside the tree: a Python venv and node_modules in
# $LEAT_CACHE/clients (else the user's cache). Quick where it is all there. Needs python3 with pip, node and npm; no root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "$(uname -s)" in
Darwin) cache="$HOME/Library/Caches" ;;
*) cache="${XDG_CACHE_HOME:-$HOME/.cache}" ;;
esac
dir="${LEAT_CACHE:-$cache/leat}/clients"
mkdir -p "$dir"

need() { # need COMMAND HOW…
  command -v "$1" >/dev/null 2>&1 && return
  echo "install.sh: $1 is missing. The client tests run the official SDKs: install $2." >&2
  exit 1
}

# One at a time: two test runs may start together.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$dir/lock"
  flock 9
fi

digest() { # of files, and of the interpreter that the result is for
  cat "$@" | python3 -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read() + sys.version.encode()).hexdigest())'
}

need python3 "Python 3.11 or newer with pip"
stamp=$(digest "$here/requirements.txt")
if [[ "$(cat "$dir/venv/stamp" 2>/dev/null)" != "$stamp" ]]; then
  python3 -m pip --version >/dev/null 2>&1 || {
    echo "install.sh: python3 has no pip. Install it (Debian: python3-pip; elsewhere: python3 -m ensurepip --user)." >&2
    exit 1
  }
  echo "installing the Python SDK and lm-eval into $dir/venv (800 MB, some minutes the first time)"
  rm -rf "$dir/venv"
  python3 -m venv --without-pip "$dir/venv"
  python3 -m pip --python "$dir/venv/bin/python" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  echo "$stamp" >"$dir/venv/stamp"
fi

need node "Node 20 or newer"
need npm "npm, which comes with Node"
stamp=$(digest "$here/package.json" "$here/package-lock.json")
if [[ "$(cat "$dir/node/stamp" 2>/dev/null)" != "$stamp" ]]; then
  echo "installing the Node SDK into $dir/node"
  rm -rf "$dir/node"
  mkdir -p "$dir/node"
  cp "$here/package.json" "$here/package-lock.json" "$dir/node/"
  (cd "$dir/node" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
  echo "$stamp" >"$dir/node/stamp"
fi

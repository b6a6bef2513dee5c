#!/usr/bin/env bash
# Installs what the tests of this folder need, at pinned versions, outside the tree: a Python venv in $LEAT_CACHE/sources (else the user's cache).
# Quick where it is all there. Needs python3 with pip; no root. Prints the venv's interpreter.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "$(uname -s)" in
Darwin) cache="$HOME/Library/Caches" ;;
*) cache="${XDG_CACHE_HOME:-$HOME/.cache}" ;;
esac
dir="${LEAT_CACHE:-$cache/leat}/sources"
mkdir -p "$dir"
command -v python3 >/dev/null 2>&1 && python3 -m pip --version >/dev/null 2>&1 || {
  echo "install.sh: python3 with pip is missing. The tests of sources read files that Python's libraries write: install python3 and python3-pip." >&2
  exit 1
}
# One at a time: two test runs may start together.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$dir/lock"
  flock 9
fi
stamp=$(cat "$here/requirements.txt" | python3 -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read() + sys.version.encode()).hexdigest())')
if [[ "$(cat "$dir/venv/stamp" 2>/dev/null)" != "$stamp" ]]; then
  echo "installing pyarrow and deltalake into $dir/venv (200 MB, a minute the first time)" >&2
  rm -rf "$dir/venv"
  python3 -m venv --without-pip "$dir/venv"
  python3 -m pip --python "$dir/venv/bin/python" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
  echo "$stamp" >"$dir/venv/stamp"
fi
echo "$dir/venv/bin/python"

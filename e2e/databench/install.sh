#!/usr/bin/env bash
# Installs what the peers of this benchmark need, at pinned versions, outside the tree: a venv in $LEAT_CACHE/databench (else the user's
# cache). Quick where it is all there. Needs python3 with pip; no root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "$(uname -s)" in
Darwin) cache="$HOME/Library/Caches" ;;
*) cache="${XDG_CACHE_HOME:-$HOME/.cache}" ;;
esac
dir="${LEAT_CACHE:-$cache/leat}/databench"
mkdir -p "$dir"

# One at a time: two test runs may start together.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$dir/lock"
  flock 9
fi

python3 -m pip --version >/dev/null 2>&1 || {
  echo "install.sh: python3 or its pip is missing. Install Python 3.11 or newer with pip (Debian: python3-pip; elsewhere: python3 -m ensurepip --user)." >&2
  exit 1
}
stamp=$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read() + sys.version.encode()).hexdigest())' "$here/requirements.txt")
if [[ "$(cat "$dir/venv/stamp" 2>/dev/null)" != "$stamp" ]]; then
  echo "installing Great Expectations and polars into $dir/venv"
  rm -rf "$dir/venv"
  python3 -m venv --without-pip "$dir/venv"
  python3 -m pip --python "$dir/venv/bin/python" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  echo "$stamp" >"$dir/venv/stamp"
fi

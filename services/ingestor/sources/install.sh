#!/usr/bin/env bash
# Installs what the tests of this module need beside Go, outside the tree: a Python venv with pyarrow and pyiceberg in $LEAT_CACHE/source-programs (else the
# user's cache). Quick where it is all there. Needs python3 with pip; no root. Postgres comes from the system (Debian: postgresql, which
# is installed where it is missing and root runs this).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "$(uname -s)" in
Darwin) cache="$HOME/Library/Caches" ;;
*) cache="${XDG_CACHE_HOME:-$HOME/.cache}" ;;
esac
dir="${LEAT_CACHE:-$cache/leat}/source-programs"
mkdir -p "$dir"
stamp=$(cat "$here/example/requirements.txt" <(python3 -VV) | cksum)
if [[ "$(cat "$dir/venv/stamp" 2>/dev/null)" != "$stamp" ]]; then
  rm -rf "$dir/venv"
  python3 -m venv --without-pip "$dir/venv"
  python3 -m pip --python "$dir/venv/bin/python" install --quiet --disable-pip-version-check -r "$here/example/requirements.txt"
  echo "$stamp" >"$dir/venv/stamp"
fi
if ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null && ! command -v initdb >/dev/null 2>&1; then
  if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Postgres for the tests of the source programs"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
  else
    echo "install.sh: there is no Postgres to test with. Install it (Debian: apt-get install postgresql)." >&2
    exit 1
  fi
fi

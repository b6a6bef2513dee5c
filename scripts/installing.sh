# What the install.sh of folders with tests have in common; they source it. All of it says what it does on standard error, and does nothing where everything is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)

# into NAME: sets $dir to $LEAT_CACHE/NAME (else the user's cache), and keeps others out of it meanwhile, since two test runs may start together.
into() {
  local cache
  case "$(uname -s)" in
  Darwin) cache="$HOME/Library/Caches" ;;
  *) cache="${XDG_CACHE_HOME:-$HOME/.cache}" ;;
  esac
  dir="${LEAT_CACHE:-$cache/leat}/$1"
  mkdir -p "$dir"
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$dir/lock"
    flock 9
  fi
}

# need COMMAND HOW: fails with what to install.
need() {
  command -v "$1" >/dev/null 2>&1 && return
  echo "install.sh: $1 is missing. Install $2." >&2
  exit 1
}

# venv REQUIREMENTS WHAT: a Python environment in $dir/venv, made anew where the file or the interpreter has changed.
venv() {
  need python3 "Python 3.11 or newer with pip"
  python3 -m pip --version >/dev/null 2>&1 || {
    echo "install.sh: python3 has no pip. Install it (Debian: python3-pip; elsewhere: python3 -m ensurepip --user)." >&2
    exit 1
  }
  local stamp
  stamp=$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read() + sys.version.encode()).hexdigest())' "$1")
  [[ "$(cat "$dir/venv/stamp" 2>/dev/null)" == "$stamp" ]] && return
  echo "installing $2 into $dir/venv" >&2
  rm -rf "$dir/venv"
  python3 -m venv --without-pip "$dir/venv"
  python3 -m pip --python "$dir/venv/bin/python" install --quiet --disable-pip-version-check -r "$1" >&2
  echo "$stamp" >"$dir/venv/stamp"
}

# node_modules WHAT: what package-lock.json beside the caller pins, in $dir/node.
node_modules() {
  need node "Node 20 or newer"
  need npm "npm, which comes with Node"
  local stamp
  stamp=$(cat "$here/package.json" "$here/package-lock.json" | cksum)
  [[ "$(cat "$dir/node/stamp" 2>/dev/null)" == "$stamp" ]] && return
  echo "installing $1 into $dir/node" >&2
  rm -rf "$dir/node"
  mkdir -p "$dir/node"
  cp "$here/package.json" "$here/package-lock.json" "$dir/node/"
  (cd "$dir/node" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error) >&2
  echo "$stamp" >"$dir/node/stamp"
}

# debian PACKAGE WHY: installs a package where root runs this on Debian, and says what to do elsewhere.
debian() {
  if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null 2>&1; then
    echo "installing $1 $2" >&2
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
  else
    echo "install.sh: there is no $1 $2. Install it (Debian: apt-get install $1)." >&2
    exit 1
  fi
}

#!/usr/bin/env bash
# Builds llama.cpp's own llama-server and llama-bench, the yardstick of the llama engine.
#
# The source is llama.cpp at the tag of the engine libraries: a git bundle inside the npm
# package node-llama-cpp. Only the two tools are compiled; libllama, ggml and the CPU variants
# are the prebuilt files that Leat's engine loads (leat fetch), so both run the same kernels.
#
# Usage: e2e/yardstick/build.sh [ENGINE_LIB_DIR]
# Needs: bash, npm, git, cmake >= 3.19, make, a C++17 compiler. No network but npm's.
# Result: $LEAT_CACHE/yardstick/bin/{llama-server,llama-bench} (about 3 minutes on 2 cores).
set -euo pipefail

version=3.22.1
tarball_sha256=a0d9dd80eacd2ab1cfe71aee57ac8a806487fd70b3d2a38fbec637752d9e5c5f
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${LEAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leat}
engine=${1:-$cache/engine/llama-0.5.0-linux-x64}
work=$cache/yardstick
jobs=${YARDSTICK_JOBS:-2}

fail() { echo "yardstick: $*" >&2; exit 1; }

for tool in npm git cmake make c++ sha256sum; do
  command -v "$tool" >/dev/null || fail "$tool is not on PATH; it is needed to build llama.cpp's server"
done
for lib in libllama.so libllama-common.so libggml.so libggml-base.so; do
  [ -e "$engine/$lib" ] || fail "$engine/$lib is missing; fetch the engine libraries first: leat fetch"
done
engine=$(cd "$engine" && pwd)

mkdir -p "$work"
# One build at a time in a cache; a second caller waits and then finds it done.
exec 9>"$work/.lock"
if command -v flock >/dev/null; then flock 9; fi

stamp="$version $tarball_sha256 $engine $(cat "$here/CMakeLists.txt" "$here/build.sh" | sha256sum | cut -d' ' -f1)"
if [ -x "$work/bin/llama-server" ] && [ "$(cat "$work/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "$work/bin/llama-server"
  exit 0
fi

tgz=$work/node-llama-cpp-$version.tgz
if ! echo "$tarball_sha256  $tgz" | sha256sum --check --status 2>/dev/null; then
  echo "yardstick: fetching node-llama-cpp $version (36 MB)" >&2
  (cd "$work" && npm pack --silent --ignore-scripts "node-llama-cpp@$version" >/dev/null) ||
    fail "npm could not fetch node-llama-cpp $version"
  echo "$tarball_sha256  $tgz" | sha256sum --check --status || fail "$tgz is not the pinned file; remove it and run again"
fi

if [ ! -f "$work/src/.complete" ]; then
  rm -rf "$work/src" "$work/package"
  tar -xzf "$tgz" -C "$work" package/llama/gitRelease.bundle
  git -c advice.detachedHead=false clone --quiet "$work/package/llama/gitRelease.bundle" "$work/src"
  rm -rf "$work/package"
  touch "$work/src/.complete"
fi

echo "yardstick: building llama-server and llama-bench with $jobs job(s), log in $work/build.log" >&2
{
  cmake -S "$here" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DLLAMA_SRC="$work/src" -DENGINE_LIB="$engine"
  nice -n 19 make -C "$work/build" -j"$jobs" llama-server llama-bench
} >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" >&2; fail "the build failed; the whole log is $work/build.log"; }

mkdir -p "$work/bin"
cp "$work/build/bin/llama-server" "$work/build/bin/llama-bench" "$work/bin/"
for lib in "$engine"/*.so; do ln -sfn "$lib" "$work/bin/"; done
"$work/bin/llama-bench" --help >/dev/null 2>&1 || fail "$work/bin/llama-bench does not start; see ldd $work/bin/llama-bench"
echo "$stamp" >"$work/stamp"
echo "$work/bin/llama-server"

#!/usr/bin/env bash
# Installs Azurite, Microsoft's own server of Azure's stores for tests (360 MB, a minute the first time), outside the tree, and prints its command. Needs Node 20 with npm.
source "$(dirname "${BASH_SOURCE[0]}")/../../../../../scripts/installing.sh"
version=3.37.0
need node "Node 20 or newer"
need npm "npm, which comes with Node"
into azurite
if [[ "$(cat "$dir/stamp" 2>/dev/null)" != "$version" ]]; then
  echo "installing Azurite $version into $dir" >&2
  rm -rf "$dir/node_modules"
  npm install --prefix "$dir" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error "azurite@$version" >&2
  echo "$version" >"$dir/stamp"
fi
echo "$dir/node_modules/.bin/azurite-blob"

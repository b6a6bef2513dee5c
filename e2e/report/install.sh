#!/usr/bin/env bash
# Installs what the test of this folder needs: axe-core and playwright-core at pinned versions outside the tree, and Chromium from the system (Debian: chromium, which is
# installed where this runs as root). Needs node and npm.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/installing.sh"
into report
node_modules "playwright-core and axe-core"
if [[ -z "${CHROMIUM:-}" ]] && ! command -v chromium >/dev/null 2>&1; then
  debian chromium "to open pages with (or say where it is by CHROMIUM)"
fi

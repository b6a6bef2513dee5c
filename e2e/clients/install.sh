#!/usr/bin/env bash
# Installs what the tests of this folder need, at pinned versions, outside the tree. Needs python3 with pip, node and npm; no root.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/installing.sh"
into clients
venv "$here/requirements.txt" "the Python SDKs and lm-eval (800 MB, some minutes the first time)"
node_modules "the Node SDKs"

#!/usr/bin/env bash
# Installs what the tests of this folder need, at pinned versions, outside the tree, and prints the interpreter. Needs python3 with pip; no root.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/installing.sh"
into sources
venv "$here/requirements.txt" "pyarrow, deltalake and warcio (200 MB, a minute the first time)"
echo "$dir/venv/bin/python"

#!/usr/bin/env bash
# Installs what the Python client of this folder needs, at pinned versions, outside the tree. Needs python3 with pip; no root.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/installing.sh"
into arrowbus
venv "$here/requirements.txt" "pyarrow and nats-py"

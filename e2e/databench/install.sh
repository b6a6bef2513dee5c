#!/usr/bin/env bash
# Installs what the peers of this benchmark need, at pinned versions, outside the tree. Needs python3 with pip; no root.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/installing.sh"
into databench
venv "$here/requirements.txt" "Great Expectations and polars"

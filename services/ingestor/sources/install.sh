#!/usr/bin/env bash
# Installs what the tests of this module need beside Go: pyarrow and pyiceberg outside the tree, and Postgres from the system (Debian: postgresql, which is installed where it is
# missing and root runs this). Needs python3 with pip.
source "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/installing.sh"
into source-programs
venv "$here/example/requirements.txt" "pyarrow and pyiceberg"
if ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null && ! command -v initdb >/dev/null 2>&1; then
  debian postgresql "to test the source programs with"
fi

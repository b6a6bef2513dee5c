#!/usr/bin/env bash
# Generates code anew and fails where it differs from what is committed. Usage: drift.sh BUF-COMMAND…
set -euo pipefail
cd "$(dirname "$0")/.."
before=$(find proto/gen -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
"$@" generate
after=$(find proto/gen -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
if [ "$before" != "$after" ]; then
	echo "proto/gen was not what proto/ generates; it is now: look at git diff and commit it" >&2
	exit 1
fi

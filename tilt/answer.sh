#!/usr/bin/env bash
# Asks the gateway for an answer until it gives one, for a minute at most. Usage: answer.sh URL
set -euo pipefail
for _ in $(seq 120); do
	if model=$(curl -sf "$1/v1/models" | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1) && [ -n "$model" ]; then
		if curl -sf "$1/v1/completions" -H 'Content-Type: application/json' -d "{\"model\":\"$model\",\"prompt\":\"The sky is\",\"max_tokens\":8}"; then
			echo
			exit 0
		fi
	fi
	sleep 0.5
done
echo "no answer from $1 within a minute; look at the gateway's log" >&2
exit 1

#!/usr/bin/env bash
# Runs every fuzz target of the repository for a bounded time each. A package's test binary is built once, however many
# targets it has. Usage: fuzz.sh 5s
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
cache=$(go env GOCACHE)/fuzz
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
targets=0
grep -rlE '^func Fuzz' --include='*_test.go' pkg services e2e | xargs -n1 dirname | sort -u >"$bin/packages"
while read -r dir; do
	package=$(go list "./$dir")
	go test -c -fuzz . -o "$bin/test" "./$dir"
	for name in $(grep -ohE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | awk '{print $2}'); do
		echo "fuzz ./$dir $name for $time"
		(cd "$dir" && "$bin/test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$time" -test.fuzzminimizetime 1x \
			-test.timeout 5m -test.fuzzcachedir "$cache/$package" </dev/null) || {
			echo "found by $name; its input is kept under ./$dir/testdata/fuzz. Again: go test ./$dir -run $name" >&2
			exit 1
		}
		targets=$((targets + 1))
	done
done <"$bin/packages"
test "$targets" -gt 0
echo "$targets fuzz targets ran for $time each"

#!/usr/bin/env bash
# Fetches Apache Kafka's jars (43 MB, half a minute the first time) with Maven into $LEAT_CACHE/kafka (else the user's cache) and prints that folder.
# Needs Java 17 or later and Maven (Debian: default-jre-headless, maven); no root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "$(uname -s)" in
Darwin) cache="$HOME/Library/Caches" ;;
*) cache="${XDG_CACHE_HOME:-$HOME/.cache}" ;;
esac
dir="${LEAT_CACHE:-$cache/leat}/kafka"
for tool in java mvn; do
  command -v "$tool" >/dev/null 2>&1 || {
    echo "install.sh: $tool is missing. Install Java and Maven (Debian: apt-get install default-jre-headless maven)." >&2
    exit 1
  }
done
stamp=$(cksum <"$here/pom.xml")
if [[ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ]]; then
  rm -rf "$dir"
  mkdir -p "$dir"
  mvn -q -B -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$dir/lib" >&2
  echo "$stamp" >"$dir/stamp"
fi
echo "$dir/lib"

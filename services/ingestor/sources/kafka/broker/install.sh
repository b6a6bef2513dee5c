#!/usr/bin/env bash
# Fetches Apache Kafka's jars (43 MB, half a minute the first time) with Maven, outside the tree, and prints their folder.
# Needs Java 17 or later and Maven (Debian: default-jre-headless, maven); no root.
source "$(dirname "${BASH_SOURCE[0]}")/../../../../../scripts/installing.sh"
need java "Java 17 or newer (Debian: default-jre-headless)"
need mvn "Maven (Debian: maven)"
into kafka
stamp=$(cksum <"$here/pom.xml")
if [[ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ]]; then
  rm -rf "$dir/lib"
  mvn -q -B -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$dir/lib" >&2
  echo "$stamp" >"$dir/stamp"
fi
echo "$dir/lib"

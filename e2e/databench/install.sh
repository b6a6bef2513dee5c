#!/usr/bin/env bash
# Installs what the peers of this benchmark need, at pinned versions, outside the tree. Needs python3 with pip; no root.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/installing.sh"
into databench
venv "$here/requirements.txt" "Great Expectations and polars"

# Real technical documentation: the texts of manuals that Debian has, as whoever wrote them writes them.
manuals="linux-doc-6.1 python3.11-doc git-doc perl-doc vim-runtime llvm-14-doc python-sqlalchemy-doc python-pandas-doc python-sympy-doc cmake-data neutron-doc cinder-doc nova-doc openvswitch-doc sphinx-doc"
[[ "$(cat "$dir/documentation/stamp" 2>/dev/null)" == "$manuals" ]] && exit
need apt-get "Debian, or anything else that has its packages"
need dpkg "dpkg"
echo "fetching manuals into $dir/documentation" >&2
rm -rf "$dir/documentation"
mkdir -p "$dir/documentation"
cd "$dir/documentation"
# shellcheck disable=SC2086 # a list
apt-get download -qq $manuals >&2 || { apt-get update -qq >&2 && apt-get download -qq $manuals >&2; }
for package in *.deb; do
  dpkg -x "$package" .
done
rm -f ./*.deb
find . -type f ! -name "*.txt" ! -name "*.rst" ! -name "*.pod" ! -name "*.md" -delete
echo "$manuals" >stamp

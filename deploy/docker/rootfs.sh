#!/bin/sh
# Assembles the root file system of an image: one program, what its loader and it open by name, certificates, and a user that is not
# root. No shell, no package manager. The Dockerfile runs it, and so does the test on machines without a Docker engine.
#   rootfs.sh OUT PROGRAM [ENGINE]
# The source programs (leat-source-*) that lie beside PROGRAM come along with an ingestor and with leat, but for workers: they are static.
# OUT: directory to make. PROGRAM: a binary for this machine's architecture. ENGINE: directory of llama.cpp's libraries, for workers.
set -eu
[ $# -ge 2 ] || { echo "usage: rootfs.sh OUT PROGRAM [ENGINE]" >&2; exit 2; }
out=$1 program=$2 engine=${3:-}
name=$(basename "$program")

mkdir -p "$out/usr/local/bin" "$out/etc/ssl/certs" "$out/tmp" "$out/home/nonroot" "$out/var/cache/leat" "$out/proc" "$out/dev" "$out/sys"
cp "$program" "$out/usr/local/bin/$name"
ln -sf "usr/local/bin/$name" "$out/entrypoint"
if [ -z "$engine" ] && { [ "$name" = leat ] || [ "$name" = ingestor ]; }; then
	for source in "$(dirname "$program")"/leat-source-*; do
		if [ -x "$source" ]; then cp "$source" "$out/usr/local/bin/"; fi
	done
fi
chmod 1777 "$out/tmp"

# Only what the loader names; a static program needs none.
libraries() { ldd "$@" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' | sort -u; }
copy() { mkdir -p "$out$(dirname "$1")"; cp -L "$1" "$out$1"; }
needs=$(libraries "$program")
if [ -n "$needs" ]; then
	# opened by name when the process starts: docs/adr/0011-one-binary.md
	ffi=$(ldconfig -p 2>/dev/null | sed -n 's/.*libffi\.so\.8 .*=> //p' | head -n 1)
	[ -n "$ffi" ] || { echo "rootfs.sh: no libffi.so.8 on this machine; install Debian's libffi8" >&2; exit 1; }
	needs="$needs $ffi $(libraries "$ffi")"
fi
if [ -n "$engine" ]; then
	mkdir -p "$out/usr/local/lib/leat/engine"
	cp -a "$engine/." "$out/usr/local/lib/leat/engine/"
	needs="$needs $(LD_LIBRARY_PATH=$engine libraries "$engine"/*.so | grep -v "^$engine/")"
fi
for library in $(printf '%s\n' $needs | sort -u); do copy "$library"; done

for certificates in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
	if [ -e "$certificates" ]; then cp -L "$certificates" "$out/etc/ssl/certs/ca-certificates.crt"; break; fi
done
printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$out/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$out/etc/group"
printf 'hosts: files dns\n' >"$out/etc/nsswitch.conf"
if [ "$(id -u)" = 0 ]; then chown -R 65532:65532 "$out/home/nonroot" "$out/var/cache/leat"; fi

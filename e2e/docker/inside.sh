#!/bin/sh
# Runs a program inside a root file system as a container runtime would: own mounts, /proc, /dev/null, the root read-only
# but for /tmp and the cache, the user 65532 where the caller may become it.
#   inside.sh ROOT MODELS PROGRAM [ARGUMENT...]
# MODELS is mounted read-only at /var/cache/leat/models.
set -eu
root=$1
if [ "${LEAT_INSIDE:-}" != yes ]; then
	export LEAT_INSIDE=yes
	if [ "$(id -u)" = 0 ]; then exec unshare --mount -- "$0" "$@"; fi
	exec unshare --map-root-user --mount -- "$0" "$@"
fi
models=$2
shift 2
unset LEAT_INSIDE
mkdir -p "$root/var/cache/leat/models"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=1777 cache "$root/var/cache/leat"
mkdir "$root/var/cache/leat/models"
mount --bind "$models" "$root/var/cache/leat/models"
mount -o remount,bind,ro "$root/var/cache/leat/models"
mount -t tmpfs -o mode=755 dev "$root/dev"
touch "$root/dev/null"
mount --bind /dev/null "$root/dev/null"
mount --rbind /proc "$root/proc"
user=
if grep -q '^ *0 *0 *4294967295' /proc/self/uid_map; then user=--userspec=65532:65532; fi
exec chroot $user "$root" "$@"

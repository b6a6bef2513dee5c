// Package docker runs programs in the root file systems that deploy/docker/rootfs.sh makes for images: chrooted, in
// namespaces of their own, as an image's user, with what a container runtime would mount. It has no Docker engine: the
// Dockerfile around that script is not run here.
package docker

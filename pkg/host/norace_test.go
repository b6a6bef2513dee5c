//go:build !race

package host_test

const detector = false

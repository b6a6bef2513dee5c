//go:build !unix

package host

const canTry = false

func tryWrite(uintptr, []byte) (int, error) { return 0, nil }

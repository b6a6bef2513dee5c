//go:build !linux

package gpu

import "errors"

// Native finds NVML, which this system does not have.
func Native() (Library, error) {
	return nil, errors.New("GPUs are only watched on Linux")
}

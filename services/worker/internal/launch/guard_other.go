//go:build !unix

package launch

import (
	"fmt"
	"io"
)

// Guard needs process groups.
func Guard(_ []string, stderr io.Writer) int {
	fmt.Fprintln(stderr, "engine guard: --exec works on Linux and other Unix systems only; start the server and give --upstream")
	return 2
}

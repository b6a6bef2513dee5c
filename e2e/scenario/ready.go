package scenario

import (
	"net/http"
	"testing"
)

// Ready waits until a process answers at /ready that it can take work. url is its HTTP base.
func Ready(t *testing.T, url string) {
	t.Helper()
	until(t, url+" is ready", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/ready", nil)
		if err != nil {
			return false
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// Joined waits until the gateway of a fleet lists a model, if there are workers to serve one.
func Joined(t *testing.T, f Fleet, workers int) {
	t.Helper()
	if workers == 0 {
		return
	}
	until(t, "the gateway lists a model", func() bool {
		return len(decode[struct{ Data []object }](t, get(t, f.Addrs().HTTP+"/v1/models")).Data) > 0
	})
}

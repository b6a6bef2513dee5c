package main

import "testing"

func TestTheDirectionIsHeld(t *testing.T) {
	const r = root
	for _, c := range []struct {
		from, imp string
		ok        bool
	}{
		{r + "pkg/bus", r + "proto/gen/leat/infer/v1", true},
		{r + "pkg/bus", r + "services/router", false},
		{r + "proto/gen/x", r + "pkg/bus", false},
		{r + "services/gateway", r + "pkg/host", true},
		{r + "services/gateway", r + "services/gateway/internal/flight", true},
		{r + "services/gateway", r + "services/router", false},
		{r + "services/gateway", r + "services/all", false},
		{r + "services/all", r + "services/router", true},
		{r + "services/all", r + "services/cmd/leat", false},
		{r + "services/cmd/leat", r + "services/all", true},
		{r + "e2e/scenario", r + "services/all", true},
		{r + "services/gateway/internal/flight", r + "proto/gen/leat/infer/v1", false},
		{r + "services/gateway/internal/flight", "google.golang.org/grpc/status", false},
		{r + "services/gateway/internal/flight", r + "pkg/errs", true},
		{r + "services/gateway", "github.com/nats-io/nats-server/v2/server", false},
		{r + "pkg/bus/embed", "github.com/nats-io/nats-server/v2/server", true},
		{r + "services/worker/internal/llama/native", "github.com/hybridgroup/yzma/pkg/llama", true},
		{r + "services/worker/internal/sim", "github.com/hybridgroup/yzma/pkg/llama", false},
		{r + "pkg/blob/cloud", "gocloud.dev/blob/s3blob", true},
		{r + "services/router", "gocloud.dev/blob", false},
		{r + "services/router", "strings", true},
	} {
		if why := Refuse(c.from, c.imp); (why == "") != c.ok {
			t.Errorf("%s → %s: %q", c.from, c.imp, why)
		}
	}
}

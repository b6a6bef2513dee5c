package bus_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// NATS may come back without its data: large requests must not be refused until every process has been started anew.
func TestClaimsGoOnWhenTheirStoreIsLost(t *testing.T) {
	s := bustest.Start(t)
	b, other := bustest.Connect(t, s, bus.Options{}), bustest.Connect(t, s, bus.Options{Name: "other"})
	payload := bytes.Repeat([]byte("x"), 600<<10)
	lose := func() *inferv1.Claim {
		t.Helper()
		c, err := b.PutClaim(t.Context(), payload)
		if err != nil {
			t.Fatalf("put: %v", err)
		}
		if err := b.JetStream().DeleteObjectStore(t.Context(), bus.ClaimBucket); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := other.OpenClaims(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := lose()
	if err := other.GetClaim(t.Context(), c, 32<<20, &inferv1.Request{}); !errors.Is(err, bus.ErrClaimGone) {
		t.Errorf("get: %v, want %v", err, bus.ErrClaimGone)
	}
	c = lose()
	if err := b.DropClaim(t.Context(), c); err != nil {
		t.Errorf("drop: %v", err)
	}
	lose()
	lose()
}

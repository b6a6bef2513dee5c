package errs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/errs"
)

func TestAnUnknownErrorHidesItsText(t *testing.T) {
	e := errs.As(errors.New("password is hunter2"))
	if e.Kind != errs.Internal || strings.Contains(e.Message, "hunter2") {
		t.Fatalf("leaked or misjudged: %+v", e)
	}
	if s, _ := status.FromError(errs.GRPC(errors.New("hunter2"))); strings.Contains(s.Message(), "hunter2") || s.Code() != codes.Internal {
		t.Fatalf("leaked over gRPC: %v", s)
	}
	if p := errs.Proto(errors.New("hunter2")); strings.Contains(p.String(), "hunter2") {
		t.Fatalf("leaked over the bus: %v", p)
	}
}

func TestEveryRenderingOfAWrappedError(t *testing.T) {
	err := fmt.Errorf("admit: %w", &errs.Error{
		Kind: errs.RateLimited, Code: "queue_full", Message: "The queue is full.", Param: "model", RetryAfter: 2 * time.Second,
	})
	if e := errs.As(err); e.Kind.HTTP() != 429 || e.Kind.Type() != "rate_limit_error" {
		t.Fatalf("http rendering: %d %s", e.Kind.HTTP(), e.Kind.Type())
	}
	st, _ := status.FromError(errs.GRPC(err))
	if st.Code() != codes.ResourceExhausted {
		t.Fatalf("grpc code %v", st.Code())
	}
	var info *errdetails.ErrorInfo
	var retry *errdetails.RetryInfo
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.RetryInfo:
			retry = d
		}
	}
	if info.GetReason() != "queue_full" || info.GetMetadata()["param"] != "model" || retry.GetRetryDelay().AsDuration() != 2*time.Second {
		t.Fatalf("details: %v %v", info, retry)
	}
}

func TestTheBusKeepsEveryKind(t *testing.T) {
	for k := errs.Internal; k <= errs.Canceled; k++ {
		in := &errs.Error{Kind: k, Code: "c", Message: "m", Param: "p", RetryAfter: time.Second}
		if out := errs.FromProto(errs.Proto(in)); *out != *in {
			t.Errorf("kind %v: got %+v", k, out)
		}
	}
	if e := errs.FromProto(nil); e.Kind != errs.Internal {
		t.Errorf("nil: %+v", e)
	}
}

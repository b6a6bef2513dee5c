package errs

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// kinds has one row a kind: every rendering of an error.
var kinds = [...]struct {
	name string
	grpc codes.Code
	http int
	typ  string // OpenAI's error.type
	exit int
}{
	Internal:        {"internal", codes.Internal, 500, "server_error", 1},
	Invalid:         {"invalid", codes.InvalidArgument, 400, "invalid_request_error", 2},
	Unauthenticated: {"unauthenticated", codes.Unauthenticated, 401, "authentication_error", 1},
	Forbidden:       {"forbidden", codes.PermissionDenied, 403, "permission_error", 1},
	NotFound:        {"not_found", codes.NotFound, 404, "invalid_request_error", 1},
	TooLarge:        {"too_large", codes.InvalidArgument, 413, "invalid_request_error", 2},
	RateLimited:     {"rate_limited", codes.ResourceExhausted, 429, "rate_limit_error", 1},
	Unavailable:     {"unavailable", codes.Unavailable, 503, "server_error", 1},
	Timeout:         {"timeout", codes.DeadlineExceeded, 504, "server_error", 1},
	Upstream:        {"upstream", codes.Unavailable, 502, "server_error", 1},
	Canceled:        {"canceled", codes.Canceled, 499, "invalid_request_error", 1},
}

// String is the kind's name on the wire.
func (k Kind) String() string { return kinds[k].name }

// HTTP is the status of the answer.
func (k Kind) HTTP() int { return kinds[k].http }

// Type is OpenAI's error.type.
func (k Kind) Type() string { return kinds[k].typ }

// Exit is the exit code of a command that ends with this error.
func (k Kind) Exit() int { return kinds[k].exit }

// GRPC renders err as a gRPC status error with ErrorInfo (reason, param) and, where known, RetryInfo.
// A nil error and an error that carries a status already are returned as they are.
func GRPC(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	e := As(err)
	reason := e.Code
	if reason == "" {
		reason = e.Kind.Type()
	}
	info := &errdetails.ErrorInfo{Reason: reason, Domain: "leat", Metadata: map[string]string{"type": e.Kind.Type()}}
	if e.Param != "" {
		info.Metadata["param"] = e.Param
	}
	details := []protoadapt.MessageV1{info}
	if e.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	st := status.New(kinds[e.Kind].grpc, e.Message)
	if with, derr := st.WithDetails(details...); derr == nil {
		st = with
	}
	return st.Err()
}

// Proto renders err for the bus. Its cause stays behind.
func Proto(err error) *inferv1.Error {
	e := As(err)
	return &inferv1.Error{
		Kind: e.Kind.String(), Code: e.Code, Message: e.Message, Param: e.Param,
		RetryAfterMs: e.RetryAfter.Milliseconds(),
	}
}

// FromProto reads an error from the bus. An unknown kind is Internal.
func FromProto(p *inferv1.Error) *Error {
	e := &Error{
		Code: p.GetCode(), Message: p.GetMessage(), Param: p.GetParam(),
		RetryAfter: time.Duration(p.GetRetryAfterMs()) * time.Millisecond,
	}
	for k := range kinds {
		if kinds[k].name == p.GetKind() {
			e.Kind = Kind(k)
		}
	}
	return e
}

package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/e2e/driver/programs"
	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// overGRPC is the gRPC face: the same semantics as over HTTP.
var overGRPC = []part{
	{"says what HTTP says", grpcEqualsHTTP},
	{"refuses what HTTP refuses", grpcRefusals},
	{"refusals carry the request id", grpcRefusedID},
	{"refuses what the engine cannot", grpcEcho},
	{"models and tokeniser", grpcListings},
	{"health", grpcHealth},
	{"grpcurl", grpcurl},
}

func dial(t *testing.T, f Fleet) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(f.Addrs().GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // fails only where it is closed
	return conn
}

// generate collects a stream: the first message, the text by choice, the usage.
func generate(ctx context.Context, c gatewayv1.GatewayServiceClient, req *gatewayv1.GenerateRequest) (first *gatewayv1.Started, text map[uint32]string, use *inferv1.Usage, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stream, err := c.Generate(ctx, req)
	if err != nil {
		return nil, nil, nil, err
	}
	text = map[uint32]string{}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return first, text, use, nil
		}
		if err != nil {
			return first, text, use, err
		}
		switch e := m.Event.(type) {
		case *gatewayv1.GenerateResponse_Started:
			first = e.Started
		case *gatewayv1.GenerateResponse_Piece:
			text[e.Piece.GetIndex()] += e.Piece.GetText()
		case *gatewayv1.GenerateResponse_Finished:
			use = e.Finished.GetUsage()
		}
	}
}

func grpcEqualsHTTP(t *testing.T, f Fleet) {
	client := gatewayv1.NewGatewayServiceClient(dial(t, f))
	seed, temperature := int64(7), 1.0
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "my-id-2")
	first, text, use, err := generate(ctx, client, &gatewayv1.GenerateRequest{
		Model: "sim", Prompt: "the mill", MaxTokens: 16, N: 2, Sampling: &inferv1.Sampling{Seed: &seed, Temperature: &temperature},
	})
	if err != nil {
		t.Fatal(err)
	}
	whole := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", object{
		"model": "sim", "prompt": "the mill", "max_tokens": 16, "n": 2, "seed": 7, "temperature": 1,
	}))
	for i, c := range whole.Choices {
		if text[uint32(i)] != c.Text {
			t.Errorf("choice %d: gRPC says %q, HTTP %q", i, text[uint32(i)], c.Text)
		}
	}
	if first.GetId() != "my-id-2" || first.GetWorker() != "alpha" || first.GetSystemFingerprint() != whole.SystemFingerprint {
		t.Errorf("started %v", first)
	}
	if int(use.GetOutput()) != whole.Usage.Completion || int(use.GetUncachedInput()+use.GetCacheRead()) != whole.Usage.Prompt {
		t.Errorf("usage %v, over HTTP %+v", use, whole.Usage)
	}
}

func grpcRefusals(t *testing.T, f Fleet) {
	client := gatewayv1.NewGatewayServiceClient(dial(t, f))
	long := make([]int32, 70_000)
	for _, c := range []struct {
		req    *gatewayv1.GenerateRequest
		code   codes.Code
		reason string
	}{
		{&gatewayv1.GenerateRequest{Model: "none", Prompt: "x"}, codes.NotFound, "model_not_found"},
		{&gatewayv1.GenerateRequest{Model: "sim"}, codes.InvalidArgument, "missing_required_parameter"},
		{&gatewayv1.GenerateRequest{Model: "sim", Messages: []*gatewayv1.ChatMessage{{Role: "tool", Content: "x"}}}, codes.InvalidArgument, "missing_required_parameter"},
		{&gatewayv1.GenerateRequest{Model: "sim", Messages: []*gatewayv1.ChatMessage{{Role: "poet", Content: "x"}}}, codes.InvalidArgument, "invalid_value"},
		{&gatewayv1.GenerateRequest{Model: "sim", Tokens: &inferv1.TokenIds{Ids: long}}, codes.InvalidArgument, "context_length_exceeded"},
	} {
		_, _, _, err := generate(t.Context(), client, c.req)
		if got := status.Code(err); got != c.code || reason(err) != c.reason {
			t.Errorf("%.40v: %v with reason %q, want %v with %q", c.req, err, reason(err), c.code, c.reason)
		}
	}
}

// grpcRefusedID: the request id comes back with a refusal too.
func grpcRefusedID(t *testing.T, f Fleet) {
	client := gatewayv1.NewGatewayServiceClient(dial(t, f))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "my-id-3")
	var header metadata.MD
	if _, err := client.Tokenize(ctx, &gatewayv1.TokenizeRequest{Model: "none"}, grpc.Header(&header)); err == nil || strings.Join(header.Get("x-request-id"), "") != "my-id-3" {
		t.Errorf("tokenize: %v, header %v", err, header)
	}
	stream, err := client.Generate(ctx, &gatewayv1.GenerateRequest{Model: "none", Prompt: "x"})
	if err != nil {
		t.Fatal(err)
	}
	header, err = stream.Header()
	if err != nil || strings.Join(header.Get("x-request-id"), "") != "my-id-3" {
		t.Errorf("generate: %v, header %v", err, header)
	}
}

// grpcEcho: an engine that cannot echo refuses it here too.
func grpcEcho(t *testing.T, f Fleet) {
	m := f.AddWorker(t, relay("relay-2", f))
	defer m.Stop(t)
	until(t, "the relayed model is listed", func() bool { return get(t, f.Addrs().HTTP+"/v1/models/relay").Status == http.StatusOK })
	over := send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "relay", "prompt": "x", "echo": true, "max_tokens": 2})
	_, _, _, err := generate(t.Context(), gatewayv1.NewGatewayServiceClient(dial(t, f)), &gatewayv1.GenerateRequest{Model: "relay", Prompt: "x", Echo: true, MaxTokens: 2})
	if over.Status != http.StatusBadRequest || reason(err) != "unsupported_parameter" {
		t.Errorf("HTTP says %d %s, gRPC %v", over.Status, over.Body, err)
	}
}

// reason is the ErrorInfo of a gRPC error.
func reason(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}

// retryAfter is the RetryInfo of a gRPC error.
func retryAfter(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.RetryDelay.AsDuration()
		}
	}
	return 0
}

func grpcListings(t *testing.T, f Fleet) {
	client := gatewayv1.NewGatewayServiceClient(dial(t, f))
	list, err := client.ListModels(t.Context(), &gatewayv1.ListModelsRequest{})
	if err != nil || len(list.GetModels()) != 1 || list.GetModels()[0].GetId() != "sim" {
		t.Fatalf("models %v, %v", list, err)
	}
	ids, err := client.Tokenize(t.Context(), &gatewayv1.TokenizeRequest{Model: "sim", Text: "over the weir"})
	if err != nil {
		t.Fatal(err)
	}
	back, err := client.Detokenize(t.Context(), &gatewayv1.DetokenizeRequest{Model: "sim", Tokens: ids.GetTokens()})
	if err != nil || back.GetText() != "over the weir" {
		t.Errorf("%v is %q (%v)", ids, back.GetText(), err)
	}
}

func grpcHealth(t *testing.T, f Fleet) {
	for _, name := range []string{"", gatewayv1.GatewayService_ServiceDesc.ServiceName} {
		got, err := grpc_health_v1.NewHealthClient(dial(t, f)).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: name})
		if err != nil || got.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("health of %q: %v, %v", name, got, err)
		}
	}
}

// grpcurl finds the services by reflection alone and calls one.
func grpcurl(t *testing.T, f Fleet) {
	tool := programs.Tool(t, "github.com/fullstorydev/grpcurl/cmd/grpcurl", "v1.9.4")
	call := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		out, err := exec.CommandContext(ctx, tool, append([]string{"-plaintext"}, args...)...).CombinedOutput()
		return string(out), err
	}
	list, err := call(f.Addrs().GRPC, "list")
	if err != nil || !strings.Contains(list, "leat.gateway.v1.GatewayService") || !strings.Contains(list, "grpc.health.v1.Health") {
		t.Errorf("list: %v\n%s", err, list)
	}
	out, err := call("-d", `{"model":"sim","prompt":"the mill","max_tokens":4,"ignore_eos":true}`, f.Addrs().GRPC, "leat.gateway.v1.GatewayService/Generate")
	if err != nil {
		t.Fatalf("generate: %v\n%s", err, out)
	}
	var last struct {
		Finished *struct{ Usage struct{ Output int } }
	}
	for dec := json.NewDecoder(bytes.NewBufferString(out)); dec.More(); {
		if err := dec.Decode(&last); err != nil {
			t.Fatalf("grpcurl printed %q: %v", out, err)
		}
	}
	if last.Finished == nil || last.Finished.Usage.Output != 4 {
		t.Errorf("grpcurl printed %s, want a last message with the usage of 4 tokens", out)
	}
	out, err = call("-d", `{"model":"none","prompt":"x"}`, f.Addrs().GRPC, "leat.gateway.v1.GatewayService/Generate")
	if err == nil || !strings.Contains(out, "NotFound") || !strings.Contains(out, "There are: sim") {
		t.Errorf("an unknown model: %v\n%s", err, out)
	}
}

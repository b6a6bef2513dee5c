// Client asks an external scaler as KEDA does, by the client that KEDA generates, and prints what it hears, a line each.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "use: client ADDRESS POOL")
		os.Exit(2)
	}
	if err := ask(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

// heard is a line of the output.
type heard struct {
	Metric string  `json:"metric,omitempty"`
	Target float64 `json:"target,omitempty"`
	Value  float64 `json:"value"`
	Active bool    `json:"active"`
	Pushed bool    `json:"pushed"` // by the stream
}

// ask prints a line for what is asked and one for each word of the stream, before which it asks again, until it is killed.
func ask(ctx context.Context, address, pool string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	scaler := pb.NewExternalScalerClient(conn)
	ref := &pb.ScaledObjectRef{Name: "worker", Namespace: "llm", ScalerMetadata: map[string]string{"scalerAddress": address, "pool": pool}}
	out := json.NewEncoder(os.Stdout)
	for { // KEDA polls; while nobody has decided it hears an error
		h, err := poll(ctx, scaler, ref)
		if err == nil {
			if err := out.Encode(h); err != nil {
				return err
			}
			break
		}
		fmt.Fprintln(os.Stderr, "poll:", err)
		time.Sleep(100 * time.Millisecond)
	}
	stream, err := scaler.StreamIsActive(ctx, ref)
	if err != nil {
		return err
	}
	for {
		word, err := stream.Recv()
		if err != nil {
			return err
		}
		h, err := poll(ctx, scaler, ref)
		if err != nil {
			return err
		}
		h.Active, h.Pushed = word.GetResult(), true
		if err := out.Encode(h); err != nil {
			return err
		}
	}
}

// poll asks what KEDA asks at every polling interval.
func poll(ctx context.Context, scaler pb.ExternalScalerClient, ref *pb.ScaledObjectRef) (h heard, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	spec, err := scaler.GetMetricSpec(ctx, ref)
	if err != nil {
		return h, err
	}
	if len(spec.GetMetricSpecs()) != 1 {
		return h, fmt.Errorf("%d metrics", len(spec.GetMetricSpecs()))
	}
	h.Metric, h.Target = spec.GetMetricSpecs()[0].GetMetricName(), spec.GetMetricSpecs()[0].GetTargetSizeFloat()
	active, err := scaler.IsActive(ctx, ref)
	if err != nil {
		return h, err
	}
	h.Active = active.GetResult()
	values, err := scaler.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref, MetricName: h.Metric})
	if err != nil {
		return h, err
	}
	if len(values.GetMetricValues()) != 1 {
		return h, fmt.Errorf("%d values", len(values.GetMetricValues()))
	}
	h.Value = values.GetMetricValues()[0].GetMetricValueFloat()
	return h, nil
}

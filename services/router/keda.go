package router

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/proto/gen/externalscaler"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// kedaMetric is the one metric of the scaler: desired workers, with the target 1 a worker, so that the HPA which KEDA makes
// arrives at that number.
const kedaMetric = "leat_desired_replicas"

// kedaLook is how often a stream looks whether its pool is wanted.
const kedaLook = 250 * time.Millisecond

// keda is KEDA's external scaler: any router answers for any pool whose owner decides. StreamMetricSpec stays unimplemented,
// as KEDA allows: the specification never changes.
type keda struct {
	externalscaler.UnimplementedExternalScalerServer
	r *Router
}

// IsActive says whether the pool should have any worker.
func (k *keda) IsActive(_ context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.IsActiveResponse, error) {
	d, err := k.decision(ref)
	return &externalscaler.IsActiveResponse{Result: d.GetDesired() > 0}, err
}

// StreamIsActive says it at once and whenever it changes.
func (k *keda) StreamIsActive(ref *externalscaler.ScaledObjectRef, stream grpc.ServerStreamingServer[externalscaler.IsActiveResponse]) error {
	if _, err := k.pool(ref); err != nil {
		return err
	}
	tick := time.NewTicker(kedaLook)
	defer tick.Stop()
	for said, last := false, false; ; {
		d, err := k.decision(ref)
		if active := d.GetDesired() > 0; err == nil && (!said || active != last) { // else the owner changes: what was said holds
			if err := stream.Send(&externalscaler.IsActiveResponse{Result: active}); err != nil {
				return err
			}
			said, last = true, active
		}
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-tick.C:
		}
	}
}

// GetMetricSpec names the metric and its target.
func (k *keda) GetMetricSpec(_ context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.GetMetricSpecResponse, error) {
	if _, err := k.pool(ref); err != nil {
		return nil, err
	}
	return &externalscaler.GetMetricSpecResponse{MetricSpecs: []*externalscaler.MetricSpec{{MetricName: kedaMetric, TargetSize: 1, TargetSizeFloat: 1}}}, nil
}

// GetMetrics returns the desired number of workers.
func (k *keda) GetMetrics(_ context.Context, req *externalscaler.GetMetricsRequest) (*externalscaler.GetMetricsResponse, error) {
	if name := req.GetMetricName(); name != kedaMetric {
		return nil, errs.Field("metricName", "invalid_value", "there is no metric %q; there is %s", name, kedaMetric)
	}
	d, err := k.decision(req.GetScaledObjectRef())
	if err != nil {
		return nil, err
	}
	return &externalscaler.GetMetricsResponse{MetricValues: []*externalscaler.MetricValue{{
		MetricName: kedaMetric, MetricValue: int64(d.GetDesired()), MetricValueFloat: float64(d.GetDesired()),
	}}}, nil
}

// pool is the pool that a ScaledObject's trigger names.
func (k *keda) pool(ref *externalscaler.ScaledObjectRef) (*pool, error) {
	name := ref.GetScalerMetadata()["pool"]
	if name == "" {
		return nil, errs.Field("scalerMetadata.pool", "missing_required_parameter",
			"the trigger's metadata names no pool; there are: %s", k.pools())
	}
	p := k.r.known(name)
	switch {
	case p == nil:
		return nil, errs.New(errs.NotFound, "pool_not_found",
			"no pool %q here: no worker of it has reported to this router; there are: %s", name, k.pools())
	case !p.sizing.on:
		return nil, errs.New(errs.Invalid, "scaling_off", "pools.%s.scaling.mode is off: set it to on", name)
	}
	return p, nil
}

func (k *keda) decision(ref *externalscaler.ScaledObjectRef) (*routerv1.ScalingDecided, error) {
	p, err := k.pool(ref)
	if err != nil {
		return nil, err
	}
	d := p.decision(time.Now())
	if d == nil { // KEDA keeps the number of replicas, or takes its fallback
		return nil, errs.New(errs.Unavailable, "not_decided", "nobody has decided about pool %s in the last %s: its owner has just changed, or there is none",
			p.name, decisionLives)
	}
	return d, nil
}

// pools lists the known pools.
func (k *keda) pools() string {
	var names []string
	for _, p := range k.r.allPools() {
		names = append(names, p.name)
	}
	if slices.Sort(names); len(names) == 0 {
		return "none yet"
	}
	return strings.Join(names, ", ")
}

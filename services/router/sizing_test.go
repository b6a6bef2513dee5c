package router_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/proto/gen/externalscaler"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// Two workers of four slots each and a queue of more than two of their batches, for half a minute: three workers are wanted.
// The decision is in ListPools of the owner and of a standby, in what KEDA hears of either, and in the stream of facts.
func TestADeepQueueAsksForAThirdWorker(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		first, b, _ := start(t, s, "rt-1")
		join(t, s, "w-1")
		join(t, s, "w-2")
		g := edge(t, s, "gw-1")
		g.takeover()
		standby, _, _ := start(t, s, "rt-2")
		time.Sleep(10 * time.Second)
		kedas := []externalscaler.ExternalScalerClient{externalscaler.NewExternalScalerClient(conn(t, first)), externalscaler.NewExternalScalerClient(conn(t, standby))}
		expect(t, kedas, 2)
		for n := range uint64(8 + 9) { // more than 2 x 4 wait
			g.submit(n + 1)
		}
		time.Sleep(28 * time.Second)
		expect(t, kedas, 2)
		time.Sleep(5 * time.Second)
		expect(t, kedas, 3)
		pools, err := client(t, standby).ListPools(t.Context(), &routerv1.ListPoolsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		d := pools.GetPools()[0].GetScaling()
		if d.GetDesired() != 3 || d.GetReplicas() != 2 || d.GetRouter() != "rt-1" || d.GetVerdict() != routerv1.ScalingVerdict_SCALING_VERDICT_UP ||
			d.GetSignals().GetQueued() != 9 || d.GetSignals().GetMaxBatch() != 4 || len(d.GetReasons()) == 0 {
			t.Errorf("ListPools of the standby: %v", d)
		}
		stream, err := b.JetStream().Stream(t.Context(), events.EventsStream)
		if err != nil {
			t.Fatal(err)
		}
		last, err := stream.GetLastMsgForSubject(t.Context(), events.ScalingDecided.Name("m"))
		if err != nil {
			t.Fatal(err)
		}
		fact := &routerv1.ScalingDecided{}
		if err := proto.Unmarshal(last.Data, fact); err != nil || fact.GetDesired() != 3 || fact.GetReasons()[0] != d.GetReasons()[0] {
			t.Errorf("the fact: %v, %v", fact, err)
		}
		if info, err := stream.Info(t.Context()); err != nil || info.State.Msgs != 2 {
			t.Errorf("%d facts of two decisions, %v", info.State.Msgs, err)
		}
	})
}

// A cordoned worker is one of the pool's and none that is ready: it does not count for what the ready ones can take.
func TestACordonedWorkerIsNoReadyCapacity(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		r, _, _ := start(t, s, "rt-1")
		join(t, s, "w-1").become(inferv1.WorkerState_WORKER_STATE_CORDONED)
		join(t, s, "w-2")
		edge(t, s, "gw-1").takeover()
		time.Sleep(10 * time.Second)
		pools, err := client(t, r).ListPools(t.Context(), &routerv1.ListPoolsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if d := pools.GetPools()[0].GetScaling(); d.GetReplicas() != 2 || d.GetSignals().GetReady() != 1 || d.GetSignals().GetMaxBatch() != 4 {
			t.Errorf("decided %v", d)
		}
	})
}

// expect asks as KEDA does.
func expect(t *testing.T, kedas []externalscaler.ExternalScalerClient, desired float64) {
	t.Helper()
	ref := &externalscaler.ScaledObjectRef{Name: "w", Namespace: "n", ScalerMetadata: map[string]string{"pool": "m"}}
	for i, k := range kedas {
		spec, err := k.GetMetricSpec(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		one := spec.GetMetricSpecs()[0]
		got, err := k.GetMetrics(t.Context(), &externalscaler.GetMetricsRequest{ScaledObjectRef: ref, MetricName: one.GetMetricName()})
		if err != nil {
			t.Fatalf("router %d: %v", i+1, err)
		}
		active, err := k.IsActive(t.Context(), ref)
		if n := got.GetMetricValues()[0].GetMetricValueFloat() / one.GetTargetSizeFloat(); n != desired || !active.GetResult() || err != nil {
			t.Errorf("router %d: %v workers, active %v, %v; want %v", i+1, n, active, err, desired)
		}
	}
}

// What a trigger gets wrong is refused with what there is.
func TestKEDAHearsWhatIsWrongWithItsTrigger(t *testing.T) {
	s := bustest.Start(t)
	r, _, _ := start(t, s, "rt-1")
	join(t, s, "w-1")
	edge(t, s, "gw-1").takeover()
	k := externalscaler.NewExternalScalerClient(conn(t, r))
	for _, metadata := range []map[string]string{nil, {"pool": "other"}} {
		_, err := k.GetMetricSpec(t.Context(), &externalscaler.ScaledObjectRef{ScalerMetadata: metadata})
		if err == nil || !strings.Contains(err.Error(), "there are: m") {
			t.Errorf("%v: %v", metadata, err)
		}
	}
	ref := &externalscaler.ScaledObjectRef{ScalerMetadata: map[string]string{"pool": "m"}}
	if _, err := k.GetMetrics(t.Context(), &externalscaler.GetMetricsRequest{ScaledObjectRef: ref, MetricName: "x"}); err == nil || !strings.Contains(err.Error(), "leat_desired_replicas") {
		t.Errorf("a metric that is not there: %v", err)
	}
	stream, err := k.StreamIsActive(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || !first.GetResult() { // once the owner has decided
		t.Errorf("stream: %v, %v", first, err)
	}
}

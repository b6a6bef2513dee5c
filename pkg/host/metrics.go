package host

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/leathq/leat/pkg/obs"
)

// metrics are the host's own numbers.
type metrics struct {
	panics  *prometheus.CounterVec
	rpcs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newMetrics(reg *prometheus.Registry, service, version string) *metrics {
	m := &metrics{
		panics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leat_panics_total", Help: "Panics that the host stopped, by where: http, grpc or service.",
		}, []string{"where"}),
		rpcs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leat_rpc_requests_total", Help: "gRPC calls that ended, by full method and status code.",
		}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "leat_rpc_duration_seconds", Help: "Time from the arrival of a gRPC call to its end.", Buckets: obs.RPCBuckets(),
		}, []string{"method"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "leat_build_info", Help: "1, with the service and version of this process.",
	}, []string{"service", "version"})
	build.WithLabelValues(service, version).Set(1)
	for _, where := range []string{"http", "grpc", "service"} {
		m.panics.WithLabelValues(where) // so that a rate is 0, not missing
	}
	reg.MustRegister(m.panics, m.rpcs, m.seconds, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

package validator

import "github.com/prometheus/client_golang/prometheus"

// metrics are the validator's numbers.
type metrics struct {
	rows *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{rows: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leat_validator_rows_total", Help: "Rows that this process held against checks, by what they came to: valid or quarantined. What is done again after a crash counts again.",
	}, []string{"verdict"})}
	reg.MustRegister(m.rows)
	return m
}

func (m *metrics) held(valid, quarantined int) {
	m.rows.WithLabelValues("valid").Add(float64(valid))
	m.rows.WithLabelValues("quarantined").Add(float64(quarantined))
}

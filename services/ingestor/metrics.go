package ingestor

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/flow"
)

// metrics are the ingestor's numbers. The runs are counted when they are scraped.
type metrics struct {
	i       *Ingestor
	rows    *prometheus.CounterVec
	refused *prometheus.CounterVec
	runs    *prometheus.Desc
}

func newMetrics(reg prometheus.Registerer, i *Ingestor) *metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"type"})
	}
	m := &metrics{
		i:       i,
		rows:    counter("leat_ingestor_rows_total", "Rows that this process read, by the source's type; what is read again after a crash counts again."),
		refused: counter("leat_ingestor_refused_total", "Records that are no rows, by the source's type; what is read again after a crash counts again."),
		runs:    prometheus.NewDesc("leat_ingestor_runs", "Runs of the last 30 days, by phase.", []string{"phase"}, nil),
	}
	reg.MustRegister(m.rows, m.refused, m)
	return m
}

func (m *metrics) read(kind string, rows, refused int) {
	m.rows.WithLabelValues(kind).Add(float64(rows))
	m.refused.WithLabelValues(kind).Add(float64(refused))
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) { ch <- m.runs }

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	r := m.i.carrier.Runner()
	if r == nil {
		return
	}
	phases := map[string]int{}
	r.Each(func(_ string, s *flow.State) { phases[phase(s)]++ })
	for p, n := range phases {
		ch <- prometheus.MustNewConstMetric(m.runs, prometheus.GaugeValue, float64(n), p)
	}
}

package gpu_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/leathq/leat/services/worker/internal/gpu"
	"github.com/leathq/leat/services/worker/internal/gpu/gputest"
)

var update = flag.Bool("update", false, "write the golden file")

// gather scrapes a watcher, checked as strictly as Prometheus can.
func gather(t *testing.T, w *gpu.Watcher) []*dto.MetricFamily {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(gpu.NewCollector(w, "node-7"))
	mfs, err := reg.Gather()
	if err != nil {
		t.Error(err)
	}
	return mfs
}

func exposition(t *testing.T, mfs []*dto.MetricFamily) string {
	t.Helper()
	var out bytes.Buffer
	for _, mf := range mfs {
		if _, err := expfmt.MetricFamilyToText(&out, mf); err != nil {
			t.Error(err)
		}
	}
	return out.String()
}

// fleet is a machine with a busy card, one that is cut into two instances, and one that is lost.
func fleet() *gputest.Machine {
	m := gputest.New(3)
	m.Cards[0].Bits = 0x44
	m.Cards[0].Procs = []gpu.Process{{PID: 42, Memory: 3 << 30, Instance: gpu.NoInstance}, {PID: 42, Memory: 1 << 30, Instance: gpu.NoInstance}, {PID: 7, Instance: gpu.NoInstance}}
	cut := m.Cards[1]
	cut.UtilFails = gpu.NotSupported
	cut.Procs = []gpu.Process{{PID: 42, Memory: 1 << 30, Instance: 5}, {PID: 42, Memory: 2 << 30, Instance: 6}}
	for _, id := range []uint32{5, 6} {
		cut.Parts = append(cut.Parts, &gputest.Part{Card: cut, ID: id, Profile: "3g.40gb", PartMem: gpu.Memory{Total: 40 << 30, Used: uint64(id) << 30, Free: 30 << 30}})
	}
	return m
}

// Names, labels, types and units are what dashboards are made for, so they do not change unseen.
func TestMetricsAreGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fleet()
		w, _ := watch(t, m.Options())
		m.XID(0, 31)
		m.Do(func() {
			m.Cards[0].Millijoules += 2500
			m.Cards[2].Fails = gpu.Lost
		})
		later(1e9)
		got := exposition(t, gather(t, w))
		if *update {
			if err := os.WriteFile("testdata/metrics.txt", []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/metrics.txt")
		if err != nil || got != string(want) {
			t.Errorf("%v; metrics differ from testdata/metrics.txt (-update writes it):\n%s", err, got)
		}
	})
}

// Leat's own names keep Prometheus' rules. DCGM's do not, but are DCGM's.
func TestOurNamesAreGoodNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fleet()
		w, _ := watch(t, m.Options())
		m.XID(0, 31)
		later(1e9)
		var ours []*dto.MetricFamily
		for _, mf := range gather(t, w) {
			if strings.HasPrefix(mf.GetName(), "leat_") {
				ours = append(ours, mf)
			}
		}
		problems, err := promlint.NewWithMetricFamilies(ours).Lint()
		if err != nil || len(problems) > 0 || len(ours) < 15 {
			t.Errorf("%d families: %v %v", len(ours), problems, err)
		}
	})
}

// Where there is nothing to say there are no series, and a scrape still works.
func TestNoDriverNoSeries(t *testing.T) {
	if mfs := gather(t, gpu.New(gputest.New(1).Options())); len(mfs) != 0 {
		t.Errorf("%v", mfs)
	}
}

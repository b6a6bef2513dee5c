package gpu_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leathq/leat/services/worker/internal/gpu"
	"github.com/leathq/leat/services/worker/internal/gpu/gputest"
)

// watch runs a watcher over a machine until the test ends; the time is the bubble's.
func watch(t *testing.T, o gpu.Options) (*gpu.Watcher, *logged) {
	t.Helper()
	log := new(logged)
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	w := gpu.New(o)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	synctest.Wait()
	return w, log
}

// logged is what a watcher wrote.
type logged struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// later lets time pass, and the samples in it be taken.
func later(d time.Duration) {
	time.Sleep(d) // of the bubble: takes no time
	synctest.Wait()
}

// Without a driver there is one line that says so, which is no error, and nothing else.
func TestWithoutADriverThereIsOneLine(t *testing.T) {
	broken := gputest.New(1)
	broken.Fails = gpu.DriverNotLoaded
	for name, o := range map[string]gpu.Options{
		"no library": {Open: func() (gpu.Library, error) { return nil, errors.New("libnvidia-ml.so.1: no such file") }},
		"no driver":  broken.Options(),
		"no GPU":     gputest.New(0).Options(),
		"none for us": func() gpu.Options {
			o := gputest.New(2).Options()
			o.VisibleSet = true
			return o
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, log := watch(t, o)
				later(time.Minute)
				if w.Snapshot() != nil || strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "level=INFO") {
					t.Errorf("%+v, log:\n%s", w.Snapshot(), log)
				}
			})
		})
	}
}

// The machine that the tests run on has no driver, or one that works: neither is an error.
func TestTheMachinesOwnDriver(t *testing.T) {
	lib, err := gpu.Native()
	if err != nil {
		if !strings.Contains(err.Error(), "libnvidia-ml.so.1") { // what to install
			t.Error(err)
		}
		return
	}
	if ret := lib.Init(); ret != gpu.Success {
		t.Log("it does not work here:", ret)
		return
	}
	defer lib.Shutdown()
	if n, ret := lib.Count(); ret != gpu.Success {
		t.Errorf("%d GPUs: %s", n, ret)
	}
}

// A card that falls off the bus is said once, does not take the others along, keeps what was counted, and comes back.
func TestALostCardComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := gputest.New(3)
		w, log := watch(t, m.Options())
		m.Do(func() { m.Cards[1].Millijoules += 5000 })
		m.XID(1, 79)
		later(time.Second)
		m.Do(func() { m.Cards[1].Fails = gpu.Lost })
		later(5 * time.Second)
		s := w.Snapshot()
		if g := s.GPUs[1]; g.Fault == "" || g.UUID != "GPU-0001" || g.Memory.Total != 0 || g.Energy.Value != 5 || g.XIDs[79] != 1 {
			t.Errorf("lost card: %+v", g)
		}
		if s.GPUs[0].Fault+s.GPUs[2].Fault != "" || s.GPUs[2].Temperature.Value != 60 {
			t.Errorf("the others: %+v", s.GPUs)
		}
		later(time.Minute)
		if n := strings.Count(log.String(), "GPU lost"); n != 1 {
			t.Errorf("said %d times:\n%s", n, log)
		}
		m.Do(func() { m.Cards[1].Fails = gpu.Success })
		later(time.Minute)
		if g := w.Snapshot().GPUs[1]; g.Fault != "" || g.Memory.Total == 0 || g.Energy.Value != 5 {
			t.Errorf("card that is back: %+v", g)
		}
		if m.Inits < 3 || m.Open != 1 {
			t.Errorf("%d inits, %d without an end", m.Inits, m.Open)
		}
	})
}

// What one call cannot say is missing, and only that.
func TestWhatACardCannotSayIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := gputest.New(1)
		m.Cards[0].UtilFails = gpu.NotSupported
		w, _ := watch(t, m.Options())
		if g := w.Snapshot().GPUs[0]; g.Utilization.Known || g.Fault != "" || g.Power.Value != 300 || g.SMClock.Value != 1e9 {
			t.Errorf("%+v", g)
		}
	})
}

// The driver's counter of energy starts again when the driver does; ours goes on.
func TestEnergyOutlivesTheDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := gputest.New(1)
		w, _ := watch(t, m.Options())
		for _, mj := range []uint64{1_004_000, 1_010_000, 3000, 7000} { // +4 J, +6 J, reloaded and +3 J, +4 J
			m.Do(func() { m.Cards[0].Millijoules = mj })
			later(time.Second)
		}
		if g := w.Snapshot().GPUs[0]; g.Energy.Value != 17 || g.DriverEnergy.Value != 7 {
			t.Errorf("energy %+v, the driver's %+v", g.Energy, g.DriverEnergy)
		}
	})
}

// XID errors are counted by number, all that came between two samples.
func TestXIDErrorsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := gputest.New(2)
		w, _ := watch(t, m.Options())
		for _, xid := range []uint64{13, 31, 13} {
			m.XID(1, xid)
		}
		later(time.Second)
		s := w.Snapshot()
		if g := s.GPUs[1]; g.XIDs[13] != 2 || g.XIDs[31] != 1 || g.LastXID != 13 || len(s.GPUs[0].XIDs) != 0 {
			t.Errorf("%+v", s.GPUs)
		}
	})
}

// A driver that hangs takes neither the samples' readers nor the worker's stop along, and old samples are none.
func TestAHungDriverHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := gputest.New(1)
		o := m.Options()
		o.Log = slog.New(slog.DiscardHandler)
		w := gpu.New(o)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.Run(ctx)
		}()
		synctest.Wait()
		hang := make(chan struct{})
		m.Do(func() { m.Hang = hang })
		later(9 * time.Second)
		if w.Snapshot() == nil {
			t.Error("no sample after 9 s")
		}
		later(2 * time.Second)
		if w.Snapshot() != nil {
			t.Error("a sample of 11 s ago is shown")
		}
		stop()
		at := time.Now()
		<-done
		if d := time.Since(at); d > 3*time.Second {
			t.Errorf("the stop took %s", d)
		}
		close(hang) // so that the bubble ends
	})
}

// A worker shows the cards and instances that its engine may use, not all of the machine.
// Of a process's cards an engine's own list names some, and of cards cut into parts the parts alone.
func TestAnEnginesShareOfTheCards(t *testing.T) {
	s := &gpu.Snapshot{Driver: "1", GPUs: []gpu.GPU{
		{Index: 0, UUID: "GPU-aa"}, {Index: 1, UUID: "GPU-bb", MIG: []gpu.MIG{{UUID: "MIG-1"}, {UUID: "MIG-2"}}}, {Index: 2, UUID: "GPU-cc"},
	}}
	for list, want := range map[string]string{
		"0,2": "GPU-aa GPU-cc", "GPU-cc": "GPU-cc", "1": "GPU-bb MIG-1 MIG-2", "MIG-2": "GPU-bb MIG-2", "": "", "-1": "", "7": "",
	} {
		var got []string
		for _, g := range s.Only(list).GPUs {
			got = append(got, g.UUID)
			for _, m := range g.MIG {
				got = append(got, m.UUID)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", list, got, want)
		}
	}
	if (*gpu.Snapshot)(nil).Only("0") != nil || len(s.GPUs[1].MIG) != 2 {
		t.Error("no driver, or a snapshot that was changed")
	}
}

func TestOnlyVisibleCards(t *testing.T) {
	for list, want := range map[string]string{
		"1,2":                 "GPU-0001 GPU-0002",
		"GPU-0002":            "GPU-0002",
		"0,-1,2":              "GPU-0000",
		"MIG-0003-1":          "GPU-0003 MIG-0003-1",
		"GPU-0003":            "GPU-0003 MIG-0003-0 MIG-0003-1",
		" 3 , GPU-0000 , NaN": "GPU-0000 GPU-0003 MIG-0003-0 MIG-0003-1",
	} {
		t.Run(list, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := gputest.New(4)
				for id := range uint32(2) {
					m.Cards[3].Parts = append(m.Cards[3].Parts, &gputest.Part{Card: m.Cards[3], ID: id, Profile: "1g.10gb"})
				}
				o := m.Options()
				o.Visible, o.VisibleSet = list, true
				w, _ := watch(t, o)
				if got := names(w.Snapshot()); got != want {
					t.Errorf("%s; want %s", got, want)
				}
			})
		})
	}
}

func names(s *gpu.Snapshot) string {
	var out []string
	for _, g := range s.GPUs {
		out = append(out, g.UUID)
		for _, m := range g.MIG {
			out = append(out, m.UUID)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

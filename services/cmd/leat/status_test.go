package main_test

import (
	"regexp"
	"strings"
	"testing"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	main "github.com/leathq/leat/services/cmd/leat"
)

// A worker that was killed said "ready" last; it is not shown as that.
func TestASilentWorkerIsLost(t *testing.T) {
	worker := func(name string, age int64, s inferv1.WorkerState) *routerv1.Worker {
		return &routerv1.Worker{AgeMs: age, Report: &inferv1.Report{Worker: name, State: s}}
	}
	var out strings.Builder
	err := main.ShowPool(&out, &routerv1.Pool{Name: "p", Workers: []*routerv1.Worker{
		worker("killed", 18_000, inferv1.WorkerState_WORKER_STATE_READY),
		worker("alive", 200, inferv1.WorkerState_WORKER_STATE_READY),
		worker("left", 18_000, inferv1.WorkerState_WORKER_STATE_GONE),
	}})
	for _, want := range []string{`killed +lost`, `alive +ready`, `left +gone`} {
		if err != nil || !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%v; no %s in\n%s", err, want, out.String())
		}
	}
}

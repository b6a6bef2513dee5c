package worker_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker"
)

// Workers of one name whose engines are there at the same instant: one is in the fleet, the others say why they are not.
func TestOfWorkersThatJoinAtTheSameInstantOneHasTheName(t *testing.T) {
	for range 5 {
		t.Run("", joinAtOnce)
	}
}

func joinAtOnce(t *testing.T) {
	const rivals = 4
	loaded := make(chan struct{})
	f := start(t, setup{cfg: worker.Config{Pool: "p"}, engine: &scripted{run: block, slots: 2}, load: func(context.Context) error {
		<-loaded
		return nil
	}})
	var loading sync.WaitGroup
	loading.Add(rivals)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, rivals+1)
	for range rivals {
		go func() { ended <- f.again(ctx, t, func() { loading.Done(); <-loaded }) }()
	}
	go func() {
		err := <-f.ended
		f.ended <- nil
		ended <- err
	}()
	loading.Wait()
	close(loaded)
	for left := range rivals {
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(err.Error(), "in the fleet already") {
				t.Errorf("one that is not alone says %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%d of %d workers of one name are in the fleet", rivals+1-left, rivals+1)
		}
	}
	stop()
	f.stop()
	if err := <-ended; err != nil {
		t.Errorf("the one that has the name says %v", err)
	}
}

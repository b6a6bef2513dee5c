package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// transports is the conformance table: what holds on one way to the server holds on the other.
func transports(t *testing.T, check func(t *testing.T, connect func(bus.Options) *bus.Bus)) {
	srv := bustest.Start(t)
	t.Run("tcp", func(t *testing.T) {
		check(t, func(o bus.Options) *bus.Bus { return bustest.Connect(t, srv, o) })
	})
	t.Run("in process", func(t *testing.T) {
		check(t, func(o bus.Options) *bus.Bus {
			o.InProcess = srv
			return bustest.Connect(t, srv, o)
		})
	})
}

func TestMessagesOfOnePublisherArriveInOrderAcrossSubjects(t *testing.T) {
	transports(t, func(t *testing.T, connect func(bus.Options) *bus.Bus) {
		rx, tx := connect(bus.Options{}), connect(bus.Options{})
		work, ctl := events.Work.Name("w1"), events.Control.Name("w1")
		const n = 2000
		got := make(chan string, n)
		x, err := rx.Listen(bus.Control, func(m *nats.Msg) { got <- m.Subject }, work, ctl)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Stop()
		if err := rx.Conn(bus.Control).Flush(); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			subject := []string{work, ctl}[i%2]
			if err := tx.Publish(bus.Control, subject, "", &inferv1.Heartbeat{}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			if s := <-got; s != []string{work, ctl}[i%2] {
				t.Fatalf("message %d came on %s", i, s)
			}
		}
	})
}

func TestNobodyListeningIsKnownAtOnce(t *testing.T) {
	transports(t, func(t *testing.T, connect func(bus.Options) *bus.Bus) {
		b := connect(bus.Options{})
		got := make(chan *nats.Msg, 1)
		if _, err := b.Subscribe(bus.Control, "rep.gw.>", func(m *nats.Msg) { got <- m }); err != nil {
			t.Fatal(err)
		}
		if err := b.Publish(bus.Control, events.Infer.Name("p", "0"), events.Reply.Name("gw", "1f"), &inferv1.Call{}); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-got:
			if !bus.NoResponders(m) || m.Subject != "rep.gw.1f" {
				t.Fatalf("got %q %v", m.Subject, m.Header)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no word of it")
		}
		err := b.Request(t.Context(), events.Takeovers.Name("p", "0"), &inferv1.Takeover{}, &inferv1.Owner{})
		if !errors.Is(err, nats.ErrNoResponders) {
			t.Fatalf("request: %v", err)
		}
	})
}

func TestAClaimBringsALargePayloadAndChecksIt(t *testing.T) {
	transports(t, func(t *testing.T, connect func(bus.Options) *bus.Bus) {
		b, other := connect(bus.Options{}), connect(bus.Options{})
		in := &inferv1.Request{Model: "m", Prompt: &inferv1.Request_Text{Text: string(bytes.Repeat([]byte("leat "), 1<<20))}}
		payload, err := proto.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if !b.TooLarge(len(payload)) || b.TooLarge(1000) {
			t.Fatal("wrong idea of what is too large")
		}
		c, err := b.PutClaim(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		out := &inferv1.Request{}
		if err := other.GetClaim(t.Context(), c, 32<<20, out); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(in, out) {
			t.Fatal("the payload changed")
		}
		if err := other.GetClaim(t.Context(), c, 1<<20, out); err == nil {
			t.Fatal("read above its limit")
		}
		bad := proto.CloneOf(c)
		bad.Digest[0]++
		if err := other.GetClaim(t.Context(), bad, 32<<20, out); err == nil {
			t.Fatal("took another payload than was sent")
		}
		if err := b.DropClaim(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := b.DropClaim(t.Context(), c); err != nil {
			t.Fatalf("dropping twice: %v", err)
		}
		if err := other.GetClaim(t.Context(), c, 32<<20, out); !errors.Is(err, bus.ErrClaimGone) {
			t.Fatalf("after drop: %v", err)
		}
	})
}

func TestFaultsDoWhatTheySay(t *testing.T) {
	srv := bustest.Start(t)
	count := func(f *bustest.Faults) map[string]int {
		b := bustest.Connect(t, srv, bus.Options{Faults: f})
		got := make(chan string, 4000)
		if _, err := b.Subscribe(bus.Control, "x.*", func(m *nats.Msg) { got <- string(m.Data) }); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if err := b.Conn(bus.Control).Publish("x.y", []byte{byte(i >> 8), byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]int{}
		for idle := time.NewTimer(10 * time.Second); ; {
			select {
			case s := <-got:
				seen[s]++
			case <-idle.C:
				return seen
			}
			if len(seen)+f.Lost() == 1000 { // all were here once; what comes twice is in the queue at once
				idle.Reset(time.Second)
			}
		}
	}
	lossy := &bustest.Faults{Loss: .2, Seed: 1}
	if got := count(lossy); len(got) > 850 || len(got) < 750 || len(got)+lossy.Lost() != 1000 {
		t.Errorf("loss: %d arrived, %d lost", len(got), lossy.Lost())
	}
	twice := 0
	for _, n := range count(&bustest.Faults{Double: .2, Seed: 1}) {
		if n == 2 {
			twice++
		}
	}
	if twice < 150 || twice > 250 {
		t.Errorf("doubled %d", twice)
	}
	if got := count(&bustest.Faults{Delay: .3, Reorder: .3, Seed: 1}); len(got) != 1000 {
		t.Errorf("delay and reorder lost messages: %d", len(got))
	}
}

// A server that takes connections and says nothing holds nats.go's lock for the length of a connect, which is two seconds.
func TestUpAnswersAtOnceWhileAServerHangs(t *testing.T) {
	srv := bustest.Start(t)
	b := bustest.Connect(t, srv, bus.Options{})
	if err := b.Up(); err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimPrefix(srv.URL(), "nats://")
	srv.Stop()
	mute, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	var held []net.Conn
	accepted := make(chan struct{}, 64)
	go func() {
		for {
			c, err := mute.Accept()
			if err != nil {
				return
			}
			held = append(held, c)
			accepted <- struct{}{}
		}
	}()
	<-accepted
	for until := time.Now().Add(time.Second); time.Now().Before(until); {
		at := time.Now()
		err := b.Up()
		if took := time.Since(at); err == nil || took > 1500*time.Millisecond {
			t.Fatalf("%v after %s", err, took)
		}
	}
}

func TestALeaseIsWonOnceAndItsEpochGrows(t *testing.T) {
	srv := bustest.Start(t)
	b := bustest.Connect(t, srv, bus.Options{})
	kv, err := b.Leases(t.Context(), bus.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	key := events.PartitionLease("p", "0")
	first, err := kv.Create(t.Context(), key, []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Create(t.Context(), key, []byte("b")); err == nil {
		t.Fatal("created twice")
	}
	second, err := kv.Update(t.Context(), key, []byte("b"), first)
	if err != nil || second <= first {
		t.Fatalf("takeover: epoch %d after %d: %v", second, first, err)
	}
	if _, err := kv.Update(t.Context(), key, []byte("a"), first); err == nil {
		t.Fatal("the old owner refreshed its lost lease")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*bus.LeaseTTL)
	defer cancel()
	for { // nobody refreshes: it expires, and the next epoch is still higher
		rev, err := kv.Create(ctx, key, []byte("c"))
		if err == nil {
			if rev <= second {
				t.Fatalf("epoch %d after %d", rev, second)
			}
			return
		}
		if ctx.Err() != nil {
			t.Fatal("the lease did not expire")
		}
	}
}

func TestNATSAwayIsAClearError(t *testing.T) {
	cfg := bus.DefaultConfig()
	cfg.URL, cfg.ConnectTimeout = "nats://127.0.0.1:1", 300*time.Millisecond
	_, err := bus.Connect(t.Context(), cfg, bus.Options{})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("--nats")) {
		t.Fatalf("error does not say what to do: %v", err)
	}
}

// What the fast way promises holds over a restart of the server, and where the connection cannot be tapped.
func TestListenersGoOnAfterAReconnect(t *testing.T) {
	cfg := embed.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Sync: time.Minute}
	srv, err := embed.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	rx, tx := bustest.Connect(t, srv, bus.Options{}), bustest.Connect(t, srv, bus.Options{})
	got := make(chan string, 1000)
	x, err := rx.Listen(bus.Tokens, func(m *nats.Msg) { got <- m.Subject }, "a.*", "b")
	if err != nil {
		t.Fatal(err)
	}
	hear := func(subject string) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for {
			_ = tx.Publish(bus.Tokens, subject, "", &inferv1.Heartbeat{}) // not while there is no connection
			select {
			case s := <-got:
				if s == subject {
					return
				}
			case <-time.After(20 * time.Millisecond):
			case <-deadline:
				t.Fatalf("%s is not heard", subject)
			}
		}
	}
	hear("a.1")
	cfg.Listen = strings.TrimPrefix(srv.URL(), "nats://")
	srv.Stop()
	if srv, err = embed.Start(cfg); err != nil {
		t.Fatal(err)
	}
	defer srv.Stop()
	hear("a.2")
	hear("b")
	x.Stop()
	for len(got) > 0 {
		<-got
	}
	if err := tx.Publish(bus.Tokens, "b", "", &inferv1.Heartbeat{}); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*bus.Bus{tx, rx} {
		if err := b.Conn(bus.Tokens).Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) > 0 {
		t.Error("heard something after Stop")
	}
}

// What was published while the connection was away, and that nobody listens, is answered before OnReconnect's functions are called; OnDisconnect's have been.
func TestALostConnectionIsToldBeforeWhatItBrings(t *testing.T) {
	cfg := embed.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Sync: time.Minute}
	srv, err := embed.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := bustest.Connect(t, srv, bus.Options{})
	lost, answered, back := make(chan struct{}, 8), make(chan bool, 8), make(chan struct{})
	b.OnDisconnect(func() { lost <- struct{}{} })
	b.OnReconnect(func() { <-back })
	defer close(back)
	x, err := b.Listen(bus.Control, func(m *nats.Msg) { answered <- bus.NoResponders(m) && len(lost) > 0 }, "word")
	if err != nil {
		t.Fatal(err)
	}
	defer x.Stop()
	cfg.Listen = strings.TrimPrefix(srv.URL(), "nats://")
	srv.Stop()
	if srv, err = embed.Start(cfg); err != nil {
		t.Fatal(err)
	}
	defer srv.Stop()
	for deadline := time.After(20 * time.Second); ; {
		_ = b.Publish(bus.Control, "nobody", "word", &inferv1.Heartbeat{}) // not while there is no connection
		select {
		case told := <-answered:
			if !told {
				t.Error("an answer came before it was told that the connection was lost")
			}
			return
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal("nothing was answered")
		}
	}
}

func TestListenersWorkWhereTheConnectionCannotBeTapped(t *testing.T) {
	cfg := bus.DefaultConfig()
	cfg.URL = bustest.StartWebSocket(t)
	b, err := bus.Connect(t.Context(), cfg, bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(t.Context())
	got := make(chan string, 100)
	x, err := b.Listen(bus.Control, func(m *nats.Msg) { got <- m.Subject }, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Conn(bus.Control).Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := b.Publish(bus.Control, []string{"a", "b"}[i%2], "", &inferv1.Heartbeat{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if s := <-got; s != []string{"a", "b"}[i%2] {
			t.Fatalf("message %d came on %s", i, s)
		}
	}
	x.Stop()
	x.Wait()
}

// Many publish at once on one connection while answers come in: nothing is lost, nothing mixed up, each keeps its order.
func TestManyPublishersShareAConnection(t *testing.T) {
	transports(t, func(t *testing.T, connect func(bus.Options) *bus.Bus) {
		b := connect(bus.Options{})
		const publishers, each = 16, 2000
		next := make([]uint32, publishers)
		done := make(chan error, 1)
		left := publishers * each
		x, err := b.Listen(bus.Tokens, func(m *nats.Msg) {
			e := &inferv1.Expect{}
			if err := proto.Unmarshal(m.Data, e); err != nil {
				done <- err
				return
			}
			who := e.GetRef().GetSequence()
			if e.GetNext() != next[who] {
				done <- fmt.Errorf("publisher %d: message %d instead of %d", who, e.GetNext(), next[who])
			}
			next[who]++
			if left--; left == 0 {
				done <- nil
			}
		}, "many")
		if err != nil {
			t.Fatal(err)
		}
		defer x.Stop()
		for who := range publishers {
			go func() {
				for i := range each {
					if err := b.Publish(bus.Tokens, "many", "", &inferv1.Expect{Ref: &inferv1.Ref{Sequence: uint64(who)}, Next: uint32(i)}); err != nil {
						done <- err
					}
				}
			}()
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("messages are missing")
		}
	})
}

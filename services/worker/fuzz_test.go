package worker_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// FuzzArrivals feeds a running worker whatever might come on its subjects. It must neither panic nor stop to answer.
func FuzzArrivals(f *testing.F) {
	fl := start(f, setup{engine: &scripted{run: say(1), slots: 8}})
	seed := func(subject string, m proto.Message) {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(subject, b)
	}
	o := fl.order()
	o.Submit.Body, _ = proto.Marshal(o.req)
	seed("work.w1", o.Dispatch)
	seed("work.w1", &inferv1.Dispatch{Router: "a.b", Number: 1})
	seed("work.w1", &inferv1.Dispatch{Router: "r", Number: 1 << 63, Submit: &inferv1.Submit{Gateway: "*", Attempt: 1, DeadlineUnixMs: -1}})
	seed("work.w1", &inferv1.Dispatch{Router: "r", Number: 2, Submit: &inferv1.Submit{Gateway: "g", Attempt: 1, DeadlineUnixMs: 1 << 62, SubmittedUnixNanos: -1 << 62}})
	for _, c := range []*inferv1.Control{cancelOf(1, 2), grantTo(1, 1<<31), resendOf(1, 1<<31), pingFor(1, 0), {}} {
		seed("ctl.w1", c)
	}
	seed("ctl.w1", &inferv1.Control{Control: &inferv1.Control_Resend{Resend: &inferv1.Resend{Gateway: "g.>", Expects: []*inferv1.Expect{nil, {}}}}})
	seed("hb.gw", &inferv1.Heartbeat{Gateway: "gw"})
	seed("ask.m-1", &inferv1.Ask{Question: &inferv1.Ask_Tokenize{Tokenize: &inferv1.TokenizeText{Text: "x"}}})
	f.Fuzz(func(t *testing.T, subject string, data []byte) {
		if strings.HasPrefix(subject, "ask.") {
			fl.worker.Ask(data)
			return
		}
		c := new(inferv1.Control)
		if proto.Unmarshal(data, c) == nil && c.GetDrain() != nil {
			return // it would do as it is told
		}
		fl.worker.Arrive(&nats.Msg{Subject: subject, Data: data, Reply: "nobody"})
		if strings.Contains(fl.log.String(), "panic stopped") {
			t.Fatalf("panic:\n%s", fl.log.String())
		}
		if err := fl.worker.Ready(); err != nil {
			t.Fatal(err)
		}
	})
}

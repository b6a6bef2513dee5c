package all_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/jobs"
	"github.com/leathq/leat/pkg/pool"
	jobsv1 "github.com/leathq/leat/proto/gen/leat/jobs/v1"
)

// jobber is a client of jobs beside the fleet.
type jobber struct {
	*jobs.Client
	bus *bus.Bus
}

func (f *fleet) jobber(t *testing.T) *jobber {
	t.Helper()
	b := bustest.Connect(t, f.srv, bus.Options{Name: "jobber"})
	if err := jobs.Ensure(t.Context(), b, jobs.DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	return &jobber{jobs.New(b, files.New(b, files.Config{}), jobs.DefaultConfig()), b}
}

// result waits for a job's.
func (j *jobber) result(t *testing.T, kind, id string) *jobs.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var found *jobs.Result
	err := j.Results(ctx, kind, time.Now().Add(-time.Minute), func(r *jobs.Result) bool {
		if r.Job == id {
			found = r
		}
		return found == nil
	})
	if found == nil {
		t.Fatalf("job %s has no result: %v", id, err)
	}
	return found
}

func (j *jobber) publish(t *testing.T, subject string, h nats.Header, data string) *jetstream.PubAck {
	t.Helper()
	ack, err := j.bus.JetStream().PublishMsg(t.Context(), &nats.Msg{Subject: subject, Header: h, Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return ack
}

const chatJob = `{"model":"sim","max_tokens":3,"messages":[{"role":"user","content":"hi"}]}`

// Any client of NATS can publish a job and read its result.
func TestAJobOnASubjectIsAnswered(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	j := f.jobber(t)
	ack := j.publish(t, "jobs.normal.acme.chat", nil, chatJob)
	r := j.result(t, "chat", fmt.Sprintf("s%d", ack.Sequence))
	var body struct {
		Object string
		Usage  struct {
			Completion int `json:"completion_tokens"`
		}
	}
	if err := json.Unmarshal(r.Response, &body); err != nil || !r.OK() || body.Object != "chat.completion" || body.Usage.Completion != 3 ||
		r.Tenant != "acme" || r.Class != "normal" || r.Attempts != 1 || !strings.HasPrefix(r.Worker, "w") || r.Created.IsZero() || r.Finished.Before(r.Started) {
		t.Errorf("%+v %s: %v", r, r.Response, err)
	}
	j.idle(t)
	j.publish(t, "jobs.normal.acme.responses", nats.Header{"Nats-Msg-Id": {"r1"}}, `{"model":"sim","input":"hi","max_output_tokens":3}`)
	if r := j.result(t, "responses", "r1"); !r.OK() || !strings.Contains(string(r.Response), `"object":"response"`) {
		t.Errorf("%+v %s", r, r.Response)
	}

	payload, err := proto.Marshal(&jobsv1.Job{Request: []byte(`{"model":"sim","max_tokens":2,"prompt":"hi"}`)})
	if err != nil {
		t.Fatal(err)
	}
	j.publish(t, "jobs.high.acme.completions", nats.Header{"Content-Type": {"application/x-protobuf"}, "Nats-Msg-Id": {"p.1"}}, string(payload))
	id := jobs.ID("p.1") // which is no token
	j.result(t, "completions", id)
	s, err := j.bus.JetStream().Stream(t.Context(), events.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(t.Context(), events.Results.Name("completions", id))
	if err != nil {
		t.Fatal(err)
	}
	var p jobsv1.Result
	if err := proto.Unmarshal(m.Data, &p); err != nil || p.GetStatus() != 200 || !strings.Contains(string(p.GetResponse()), "text_completion") ||
		m.Header.Get("ce-id") != id || m.Header.Get("ce-type") == "" || m.Header.Get("Leat-Status") != "200" {
		t.Errorf("%v %v: %v", m.Header, &p, err)
	}
}

// until looks every few milliseconds whether something holds, and gives up after half a minute.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !holds(); <-tick.C {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("not within half a minute: %s", what)
		}
	}
}

// idle waits until no job is queued or in hand.
func (j *jobber) idle(t *testing.T) {
	t.Helper()
	until(t, "no job is left", func() bool {
		s, err := j.bus.JetStream().Stream(t.Context(), events.JobsStream)
		return err == nil && s.CachedInfo().State.Msgs == 0
	})
}

// What cannot be a job is a dead letter with its reason, and has a result that says the same; requeued it is tried anew.
func TestWhatCannotBeDoneIsADeadLetter(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	j := f.jobber(t)
	bad := map[string]struct {
		subject, kind, data, code string
		header                    nats.Header
	}{
		"b1": {"jobs.normal.t.chat", "chat", `{"model":`, "invalid_json", nil},
		"b2": {"jobs.normal.t.chat", "chat", `{"model":"sim"}`, "missing_required_parameter", nil},
		"b3": {"jobs.bulk.t.chat", "chat", strings.Replace(chatJob, `"max_tokens"`, `"stream":true,"max_tokens"`, 1), "stream_not_supported", nil},
		"b4": {"jobs.bulk.t.chat", "chat", "x", "unsupported_content_type", nats.Header{"Content-Type": {"text/plain"}}},
		"b5": {"jobs.high.t.chat", "chat", "\xff", "invalid_protobuf", nats.Header{"Content-Type": {"application/x-protobuf"}}},
		"b6": {"jobs.urgent.t.chat", "chat", chatJob, "invalid_class", nil},
		"b7": {"jobs.normal.t.chatt", "chatt", chatJob, "unknown_kind", nil},
		"b8": {"jobs.normal.t.chat", "chat", "", "file_not_found", nats.Header{"Leat-File": {"file-none"}}},
	}
	for id, b := range bad {
		h := nats.Header{"Nats-Msg-Id": {id}}
		for k, v := range b.header {
			h[k] = v
		}
		j.publish(t, b.subject, h, b.data)
	}
	for id, b := range bad {
		r := j.result(t, b.kind, id)
		if r.OK() || !strings.Contains(string(r.Response), b.code) {
			t.Errorf("%s: %d %s, want %s", id, r.Status, r.Response, b.code)
		}
	}
	seen := map[string]*jobs.Letter{}
	if err := j.Letters(t.Context(), func(l *jobs.Letter) bool { seen[l.Job] = l; return true }); err != nil {
		t.Fatal(err)
	}
	for id, b := range bad {
		l := seen[id]
		if l == nil || l.Code != b.code || l.Reason == "" || l.Subject != b.subject || string(l.Data) != b.data {
			t.Errorf("%s: dead letter %+v, want %s", id, l, b.code)
		}
	}
	if j.idle(t); len(seen) != len(bad) {
		t.Errorf("%d letters are dead, want %d", len(seen), len(bad))
	}
	if _, err := j.Requeue(t.Context(), seen["b2"].Sequence); err != nil {
		t.Fatal(err)
	}
	until(t, "the requeued job is tried again", func() (again bool) {
		if err := j.Letters(t.Context(), func(l *jobs.Letter) bool {
			again = again || l.Job == "b2" && l.Sequence != seen["b2"].Sequence
			return !again
		}); err != nil {
			t.Fatal(err)
		}
		return again
	})
}

// The same id is answered once, however often it is published; a cancelled job is not run.
func TestAJobIsDoneOnce(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	j := f.jobber(t)
	if err := j.Cancel(t.Context(), "t", "chat", "c1"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		dup, err := j.Submit(t.Context(), &jobs.Job{ID: "once", Class: jobs.Bulk, Tenant: "t", Kind: "chat", Request: []byte(chatJob)})
		if err != nil || dup != (i > 0) {
			t.Errorf("submit %d: duplicate %v, %v", i, dup, err)
		}
	}
	if _, err := j.Submit(t.Context(), &jobs.Job{ID: "c1", Class: jobs.Bulk, Tenant: "t", Kind: "chat", Request: []byte(chatJob)}); err != nil {
		t.Fatal(err)
	}
	first := j.result(t, "chat", "once")
	// Beyond the window of duplicates it is queued again, and its result stays.
	j.publish(t, "jobs.bulk.t.chat", nats.Header{"Leat-Job": {"once"}, "Nats-Msg-Id": {"another"}}, chatJob)
	j.idle(t)
	if again := j.result(t, "chat", "once"); !again.Finished.Equal(first.Finished) {
		t.Error("the job has another result")
	}
	if r := j.result(t, "chat", "c1"); r.Status != jobs.StatusCancelled {
		t.Errorf("the cancelled job has the status %d", r.Status)
	}
	// One that runs is stopped.
	long := strings.Replace(chatJob, `"max_tokens":3`, `"max_tokens":4000,"ignore_eos":true`, 1)
	if _, err := j.Submit(t.Context(), &jobs.Job{ID: "long", Class: jobs.Normal, Tenant: "t", Kind: "chat", Request: []byte(long)}); err != nil {
		t.Fatal(err)
	}
	f.awaitRunning(t, 1)
	if err := j.Cancel(t.Context(), "t", "chat", "long"); err != nil {
		t.Fatal(err)
	}
	f.awaitRunning(t, 0)
	j.idle(t)
}

// awaitRunning waits until so many answers are open in the gateway.
func (f *fleet) awaitRunning(t *testing.T, n int) {
	t.Helper()
	until(t, fmt.Sprint(n, " sequences run"), func() bool { return int(metric(t, f.gateway, "leat_gateway_sequences")) == n })
}

// Who fills his queue is refused; nobody else is. A request that is too large for a message goes through the file store.
func TestATenantsQueueIsHisOwn(t *testing.T) {
	srv := bustest.Start(t)
	b := bustest.Connect(t, srv, bus.Options{})
	cfg := jobs.DefaultConfig()
	cfg.PerTenant = 5
	if err := jobs.Ensure(t.Context(), b, cfg); err != nil {
		t.Fatal(err)
	}
	c := jobs.New(b, files.New(b, files.Config{}), cfg)
	submit := func(tenant string, i int, request string) error {
		_, err := c.Submit(t.Context(), &jobs.Job{ID: fmt.Sprint(jobs.TenantToken(tenant), i), Class: jobs.Bulk, Tenant: tenant, Kind: "chat", Request: []byte(request)})
		return err
	}
	for i := range 6 {
		if err := submit("hog", i, chatJob); (err != nil) != (i == 5) {
			t.Errorf("job %d: %v", i, err)
		}
	}
	if err := submit("a tenant, oddly named", 0, `"`+strings.Repeat("x", 2<<20)+`"`); err != nil {
		t.Error(err)
	}
}

// A batch goes from its file to its files, in order, each request once; bad answers stand in a file of their own.
func TestABatchIsAnsweredInOrder(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	var lines strings.Builder
	const n = 60
	for i := range n {
		model := "sim"
		if i%20 == 7 {
			model = "\",\"temperature\":9,\"model\":\"sim" // refused
		}
		fmt.Fprintf(&lines, `{"custom_id":"q%d","method":"POST","url":"/v1/chat/completions","body":{"model":"%s","max_tokens":2,"messages":[{"role":"user","content":"%d"}]}}`+"\n", i, model, i)
	}
	body, kind := multi(t, "purpose", "batch", "file", lines.String())
	_, file, _ := f.ask(t, "POST", "/v1/files", kind, body)
	status, b, raw := f.ask(t, "POST", "/v1/batches", "application/json", strings.NewReader(fmt.Sprintf(
		`{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":"b"}}`, file["id"])))
	if status != 200 || b["status"] != "validating" || b["object"] != "batch" {
		t.Fatalf("%d %s", status, raw)
	}
	b = f.awaitBatch(t, b["id"].(string), "completed")
	counts := b["request_counts"].(map[string]any)
	if counts["total"] != float64(n) || counts["completed"] != float64(n-3) || counts["failed"] != float64(3) || b["usage"].(map[string]any)["output_tokens"] != float64(2*(n-3)) {
		t.Errorf("%v", b)
	}
	_, _, out := f.ask(t, "GET", "/v1/files/"+b["output_file_id"].(string)+"/content", "", nil)
	_, _, bad := f.ask(t, "GET", "/v1/files/"+b["error_file_id"].(string)+"/content", "", nil)
	i := 0
	for d := json.NewDecoder(strings.NewReader(out)); ; i++ {
		var l struct {
			CustomID string `json:"custom_id"`
			Response struct {
				Status int `json:"status_code"`
				Body   struct{ Choices []any }
			}
			Error any
		}
		if err := d.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if i%20 == 7 {
			i++
		}
		if l.CustomID != fmt.Sprint("q", i) || l.Response.Status != 200 || len(l.Response.Body.Choices) != 1 || l.Error != nil {
			t.Fatalf("line %d: %+v", i, l)
		}
	}
	if i != n || strings.Count(bad, "\n") != 3 || strings.Count(bad, `"status_code":400`) != 3 || !strings.Contains(bad, `"custom_id":"q7"`) || !strings.Contains(bad, "temperature") {
		t.Errorf("%d lines; bad: %s", i, bad)
	}
}

func (f *fleet) awaitBatch(t *testing.T, id, status string) (b map[string]any) {
	t.Helper()
	until(t, "the batch is "+status, func() bool {
		_, b, _ = f.ask(t, "GET", "/v1/batches/"+id, "", nil)
		return b["status"] == status
	})
	return b
}

func TestABatchThatCannotRunSaysWhy(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	body, kind := multi(t, "purpose", "batch", "file", "{}\nnot JSON\n")
	_, file, _ := f.ask(t, "POST", "/v1/files", kind, body)
	create := func(request string) (int, map[string]any, string) {
		return f.ask(t, "POST", "/v1/batches", "application/json", strings.NewReader(request))
	}
	_, b, _ := create(fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h"}`, file["id"]))
	b = f.awaitBatch(t, b["id"].(string), "failed")
	wrong := b["errors"].(map[string]any)["data"].([]any)
	if len(wrong) != 2 || wrong[0].(map[string]any)["line"] != float64(1) || wrong[1].(map[string]any)["code"] != "invalid_json_line" {
		t.Errorf("%v", wrong)
	}
	if status, _, raw := f.ask(t, "POST", "/v1/batches/"+b["id"].(string)+"/cancel", "", nil); status != 400 || !strings.Contains(raw, "failed") {
		t.Errorf("%d %s", status, raw)
	}
	for request, param := range map[string]string{
		`{}`: "input_file_id",
		`{"input_file_id":"file-x","endpoint":"/v1/chat/completions","completion_window":"24h"}`: "input_file_id",
		`{"input_file_id":"x","endpoint":"/v1/lunch","completion_window":"24h"}`:                 "endpoint",
		`{"input_file_id":"x","endpoint":"/v1/completions"}`:                                     "completion_window",
		`{"input_file_id":"x","endpoint":"/v1/completions","completion_window":"1h"}`:            "completion_window",
	} {
		if status, got, raw := create(request); status != 400 || got["error"].(map[string]any)["param"] != param {
			t.Errorf("%s: %d %s, want the parameter %s", request, status, raw, param)
		}
	}
	if status, _, raw := f.ask(t, "GET", "/v1/batches/batch_none", "", nil); status != 404 {
		t.Errorf("%d %s", status, raw)
	}
}

// A cancelled batch keeps what was answered and says of the rest that it was not.
func TestACancelledBatchKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	var lines strings.Builder
	for i := range 40 {
		tokens := 1
		if i >= 10 {
			tokens = 4000
		}
		fmt.Fprintf(&lines, `{"custom_id":"q%d","method":"POST","url":"/v1/completions","body":{"model":"sim","ignore_eos":true,"max_tokens":%d,"prompt":"%d"}}`+"\n", i, tokens, i)
	}
	body, kind := multi(t, "purpose", "batch", "file", lines.String())
	_, file, _ := f.ask(t, "POST", "/v1/files", kind, body)
	_, b, _ := f.ask(t, "POST", "/v1/batches", "application/json", strings.NewReader(fmt.Sprintf(
		`{"input_file_id":%q,"endpoint":"/v1/completions","completion_window":"24h"}`, file["id"])))
	id := b["id"].(string)
	until(t, "ten requests are answered", func() bool {
		_, b, _ := f.ask(t, "GET", "/v1/batches/"+id, "", nil)
		return b["request_counts"].(map[string]any)["completed"] == float64(10)
	})
	if status, b, raw := f.ask(t, "POST", "/v1/batches/"+id+"/cancel", "", nil); status != 200 || b["status"] != "cancelling" {
		t.Fatalf("%d %s", status, raw)
	}
	b = f.awaitBatch(t, id, "cancelled")
	_, _, out := f.ask(t, "GET", "/v1/files/"+b["output_file_id"].(string)+"/content", "", nil)
	_, _, bad := f.ask(t, "GET", "/v1/files/"+b["error_file_id"].(string)+"/content", "", nil)
	if strings.Count(out, "\n") != 10 || strings.Count(bad, `"code":"batch_cancelled"`) != 30 || b["cancelled_at"] == nil {
		t.Errorf("%v\n%s\n%s", b, out, bad)
	}
	f.awaitRunning(t, 0)
	if _, l, raw := f.ask(t, "GET", "/v1/batches?limit=1", "", nil); len(l["data"].([]any)) != 1 || l["has_more"] != false {
		t.Error(raw)
	}
}

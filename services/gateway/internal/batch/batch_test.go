package batch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/leathq/leat/services/gateway/internal/batch"
)

const endpoint = "/v1/chat/completions"

func line(id string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":%q,"body":{"model":"m","messages":[]}}`, id, endpoint)
}

func TestAnInputIsReadLineByLine(t *testing.T) {
	text := line("a") + "\r\n\n  \n" + line("b") + "\n" + line("c") // no line feed at its end
	in := batch.NewInput(iotest.HalfReader(strings.NewReader(text)), endpoint, 1<<20)
	for i, want := range []string{"a", "b", "c"} {
		l, bad, err := in.Next()
		if err != nil || bad != nil || l.CustomID != want || l.Index != i || !strings.HasPrefix(string(l.Body), `{"model"`) {
			t.Fatalf("%d: %+v, %+v, %v", i, l, bad, err)
		}
	}
	if _, _, err := in.Next(); err != io.EOF {
		t.Errorf("at its end: %v", err)
	}
}

func TestEachBadLineIsNamed(t *testing.T) {
	for _, c := range []struct {
		name, line  string
		code, param string
	}{
		{"no JSON", `{"custom_id"`, "invalid_json_line", ""},
		{"two values", line("x") + line("y"), "invalid_json_line", ""},
		{"an unknown field", `{"custom_id":"x","method":"POST","url":"` + endpoint + `","body":{"model":"m"},"bdy":1}`, "invalid_json_line", ""},
		{"no custom_id", strings.Replace(line("x"), `"custom_id":"x",`, "", 1), "missing_required_parameter", "custom_id"},
		{"a huge custom_id", line(strings.Repeat("x", 600)), "invalid_value", "custom_id"},
		{"the same custom_id", line("first"), "duplicate_custom_id", "custom_id"},
		{"another method", strings.Replace(line("x"), "POST", "GET", 1), "invalid_method", "method"},
		{"another url", strings.Replace(line("x"), endpoint, "/v1/embeddings", 1), "mismatched_endpoint", "url"},
		{"no body", strings.Replace(line("x"), `,"body":{"model":"m","messages":[]}`, "", 1), "missing_required_parameter", "body"},
		{"a body that is none", strings.Replace(line("x"), `{"model":"m","messages":[]}`, `[]`, 1), "missing_required_parameter", "body"},
		{"no model", strings.Replace(line("x"), `"model":"m",`, ``, 1), "missing_required_parameter", "body.model"},
		{"a stream", strings.Replace(line("x"), `"model":"m"`, `"model":"m","stream":true`, 1), "invalid_request", "body.stream"},
		{"too long", line(strings.Repeat("x", 100)) + strings.Repeat(" ", 4096), "line_too_long", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, wrong, err := batch.Check(batch.NewInput(strings.NewReader(line("first")+"\n"+c.line+"\n"+line("last")+"\n"), endpoint, 2048))
			if err != nil || n != 2 || len(wrong) != 1 {
				t.Fatalf("%d requests, %+v, %v", n, wrong, err)
			}
			w := wrong[0]
			param := ""
			if w.Param != nil {
				param = *w.Param
			}
			if w.Code != c.code || param != c.param || *w.Line != 2 || w.Message == "" {
				t.Errorf("%+v, param %q, line %d", w, param, *w.Line)
			}
		})
	}
}

func TestAFileAsAWholeIsRefused(t *testing.T) {
	var many strings.Builder
	for i := range batch.MaxRequests + 1 {
		many.WriteString(line(fmt.Sprint(i)) + "\n")
	}
	for name, c := range map[string]struct {
		text, code string
	}{"empty": {"\n\n", "empty_file"}, "too many": {many.String(), "too_many_requests_in_file"}} {
		if _, wrong, err := batch.Check(batch.NewInput(strings.NewReader(c.text), endpoint, 2048)); err != nil || len(wrong) != 1 || wrong[0].Code != c.code || wrong[0].Line != nil {
			t.Errorf("%s: %+v, %v", name, wrong, err)
		}
	}
	_, wrong, err := batch.Check(batch.NewInput(strings.NewReader(strings.Repeat("x\n", 1000)), endpoint, 2048))
	if err != nil || len(wrong) != 100 {
		t.Errorf("%d errors are listed: %v", len(wrong), err)
	}
	broken := errors.New("store gone")
	if _, _, err := batch.Check(batch.NewInput(io.MultiReader(strings.NewReader(line("a")+"\n"), iotest.ErrReader(broken)), endpoint, 2048)); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

func TestABatchMovesOnlyForward(t *testing.T) {
	now := time.Unix(1000, 0)
	r := &batch.Record{Object: batch.Object{Status: batch.Validating}}
	for i, to := range []batch.Status{batch.InProgress, batch.Finalizing, batch.Completed} {
		if err := r.Enter(to, now.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if *r.InProgressAt != 1000 || *r.FinalizingAt != 1001 || *r.CompletedAt != 1002 || !r.Status.Over() || r.FailedAt != nil {
		t.Errorf("%+v", r)
	}
	for _, to := range []batch.Status{batch.InProgress, batch.Cancelling, batch.Failed} {
		if r.Enter(to, now) == nil {
			t.Errorf("a completed batch became %s", to)
		}
	}
}

func TestAnOutputLineIsOpenAIs(t *testing.T) {
	r := &batch.Record{}
	ok := &batch.Answer{Status: 200, RequestID: "req_1", Body: json.RawMessage(`{"id":"c","usage":{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}}`)}
	refused := &batch.Answer{Status: 400, RequestID: "req_2", Body: json.RawMessage(`{"error":{"message":"<no>"}}`)}
	expired := &batch.Answer{Code: "batch_expired", Message: "over"}
	var got []byte
	for i, a := range []*batch.Answer{ok, refused, expired} {
		r.Count(a)
		var err error
		if got, err = batch.AppendLine(got, "batch_1", i, fmt.Sprint("id-", i), a); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"id":"batch_req_batch_1_0","custom_id":"id-0","response":{"status_code":200,"request_id":"req_1","body":{"id":"c","usage":{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}}},"error":null}
{"id":"batch_req_batch_1_1","custom_id":"id-1","response":{"status_code":400,"request_id":"req_2","body":{"error":{"message":"<no>"}}},"error":null}
{"id":"batch_req_batch_1_2","custom_id":"id-2","response":null,"error":{"code":"batch_expired","message":"over"}}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.RequestCounts != (batch.Counts{Completed: 1, Failed: 2}) || r.Usage.Input != 3 || r.Usage.Output != 4 || r.Usage.Total != 7 || r.Usage.Details.Cached != 2 {
		t.Errorf("counts %+v, usage %+v", r.RequestCounts, r.Usage)
	}
}

func FuzzInput(f *testing.F) {
	f.Add([]byte(line("a")+"\n"+line("b")), 512)
	f.Add([]byte("{}\n\n[1"), 16)
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		n, wrong, err := batch.Check(batch.NewInput(strings.NewReader(string(data)), endpoint, limit&0xffff))
		if err != nil || n+len(wrong) == 0 || n+len(wrong) > 2+strings.Count(string(data), "\n") {
			t.Fatalf("%d requests, %d errors, %v", n, len(wrong), err)
		}
	})
}

package jobscmd

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/jobs"
)

const (
	maxLine = 64 << 20
	ahead   = 256 // results looked for at a time, from the first that is missing on
)

// submitOptions are those of leat jobs submit.
type submitOptions struct {
	KindOption
	Class  string `yaml:"class" flag:"class" oneof:"high|normal|bulk" doc:"urgency; bulk fills what the others leave"`
	Tenant string `yaml:"tenant" flag:"tenant" doc:"whose jobs they are"`
	Out    string `yaml:"out" flag:"out" doc:"file for the answers, in the order of the requests; waits for all of them"`
	Wait   bool   `yaml:"wait" flag:"wait" doc:"wait for all answers"`
}

// request is one line of the input.
type request struct {
	index    int
	customID string
	kind     string
	body     json.RawMessage
}

// paths are the kinds by the url of OpenAI's batch lines.
var paths = map[string]string{
	"/v1/chat/completions": "chat", "/v1/completions": "completions", "/v1/responses": "responses",
}

// readLine takes a line for a request.
func readLine(line []byte, index int, kind string) (*request, error) {
	var l struct {
		CustomID string          `json:"custom_id"`
		URL      string          `json:"url"`
		Body     json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, fmt.Errorf("it is not a request in JSON: %w", err)
	}
	if l.Body == nil {
		return &request{index: index, kind: kind, body: append(json.RawMessage{}, line...)}, nil
	}
	k, ok := paths[l.URL]
	if !ok {
		return nil, fmt.Errorf("its url %q cannot run as a job", l.URL)
	}
	return &request{index: index, customID: l.CustomID, kind: k, body: l.Body}, nil
}

// requests reads the whole file before anything is published, and its digest, of which the jobs' ids are made.
func (o *submitOptions) requests(path string) (list []*request, digest string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", fmt.Errorf("open requests: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	_, _ = io.WriteString(sum, o.Kind+"\x00"+o.Tenant+"\x00")
	lines := bufio.NewScanner(io.TeeReader(f, sum))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		r, err := readLine(lines.Bytes(), len(list), o.Kind)
		if err != nil {
			return nil, "", fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		list = append(list, r)
	}
	if err := lines.Err(); err != nil {
		return nil, "", fmt.Errorf("read %s: %w", path, err)
	}
	if len(list) == 0 {
		return nil, "", fmt.Errorf("%s has no request", path)
	}
	return list, hex.EncodeToString(sum.Sum(nil))[:16], nil
}

func submit(ctx context.Context, s *session, o *submitOptions) error {
	list, digest, err := o.requests(s.operands[0])
	if err != nil {
		return err
	}
	var out *os.File
	if o.Out != "" {
		if out, err = os.Create(o.Out); err != nil {
			return fmt.Errorf("open answers: %w", err)
		}
		defer out.Close()
	}
	wait := o.Wait || out != nil
	b := newBar(s.err, len(list), wait)
	r := &run{s: s, o: o, list: list, digest: digest, bar: b, results: make([]*jobs.Result, len(list)), wait: wait}
	if out != nil {
		r.out = bufio.NewWriter(out)
	}
	err = r.follow(ctx)
	b.end()
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("stopped after %d of %d were published and %d answered; the same command goes on from there", r.sent, len(list), r.low)
		}
		return err
	}
	if !wait {
		fmt.Fprintf(s.err, "%d jobs are published: %s-0 to %s-%d\n", len(list), digest, digest, len(list)-1)
		return nil
	}
	if err := r.flush(out); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%d answered, %d failed\n", len(list)-r.failed, r.failed)
	if r.failed > 0 {
		return fmt.Errorf("%d of %d requests failed; their answers say why, and leat jobs dlq list", r.failed, len(list))
	}
	return nil
}

// run publishes the requests and follows their results.
type run struct {
	s       *session
	o       *submitOptions
	list    []*request
	digest  string
	bar     *bar
	out     *bufio.Writer
	wait    bool
	results []*jobs.Result

	sent, low, failed int
}

func (r *run) id(i int) string { return fmt.Sprintf("%s-%d", r.digest, i) }

func (r *run) follow(ctx context.Context) error {
	for {
		progress := r.sent + r.low
		if err := r.publish(ctx); err != nil {
			return err
		}
		if r.wait {
			if err := r.collect(ctx); err != nil {
				return err
			}
		}
		r.bar.at(r.sent, r.low)
		if r.sent == len(r.list) && (!r.wait || r.low == len(r.list)) {
			return nil
		}
		if progress != r.sent+r.low {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// publish sends some of the requests; a full queue is waited for.
func (r *run) publish(ctx context.Context) error {
	for range ahead {
		if r.sent == len(r.list) {
			return nil
		}
		q := r.list[r.sent]
		_, err := r.s.Submit(ctx, &jobs.Job{ID: r.id(q.index), Class: r.o.Class, Tenant: r.o.Tenant, Kind: q.kind, Request: q.body})
		if errors.Is(err, jobs.ErrFull) {
			return nil
		}
		if bus.NoRoom(err) {
			return fmt.Errorf("%w (NATS has no room on its disk: free some; %d of %d are published and the same command goes on from there)", err, r.sent, len(r.list))
		}
		if err != nil {
			return fmt.Errorf("%w (is a gateway running? it makes the streams)", err)
		}
		r.sent++
	}
	return nil
}

// collect looks for results from the first that is missing on, and writes those that are next in order.
func (r *run) collect(ctx context.Context) error {
	for i := r.low; i < min(r.low+ahead, r.sent); i++ {
		if r.results[i] != nil {
			continue
		}
		res, err := r.s.Result(ctx, r.list[i].kind, r.id(i))
		if errors.Is(err, jobs.ErrNoResult) {
			continue
		}
		if err != nil {
			return err
		}
		r.results[i] = res
	}
	for r.low < len(r.list) && r.results[r.low] != nil {
		if err := r.write(ctx, r.low); err != nil {
			return err
		}
		r.results[r.low].Response = nil // it is written: a long file need not fit into memory
		r.low++
	}
	return nil
}

func (r *run) write(ctx context.Context, i int) error {
	res := r.results[i]
	if !res.OK() {
		r.failed++
	}
	if r.out == nil {
		return nil
	}
	body, err := r.s.Response(ctx, res, maxLine)
	if err != nil {
		return err
	}
	line, err := json.Marshal(struct {
		Index    int             `json:"index"`
		CustomID string          `json:"custom_id,omitempty"`
		Job      string          `json:"job"`
		Status   int             `json:"status"`
		Response json.RawMessage `json:"response"`
	}{i, r.list[i].customID, res.Job, res.Status, body})
	if err != nil {
		return fmt.Errorf("spell answer %d: %w", i, err)
	}
	_, err = r.out.Write(append(line, '\n'))
	return err
}

func (r *run) flush(out *os.File) error {
	if out == nil {
		return nil
	}
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("write answers: %w", err)
	}
	return out.Close()
}

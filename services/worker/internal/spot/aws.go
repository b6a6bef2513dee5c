package spot

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

const (
	awsToken     = "/latest/api/token"
	awsAction    = "/latest/meta-data/spot/instance-action"
	awsRebalance = "/latest/meta-data/events/recommendations/rebalance"
	awsTTL       = "X-aws-ec2-metadata-token-ttl-seconds"
	awsLife      = 6 * time.Hour // of a token, the longest that is given
	awsEvery     = 5 * time.Second
	awsNotice    = 2 * time.Minute
)

// aws asks EC2's metadata service in its second version (IMDSv2), for which one needs a token.
type aws struct {
	c     *client
	token string
	until time.Time // when another one is needed
}

func newAWS(c *client) *provider {
	a := &aws{c: c}
	probe := func(ctx context.Context) bool { return (&aws{c: c}).authorise(ctx) == nil }
	return &provider{name: "aws", probe: probe, sources: []source{{awsEvery, a.poll}}}
}

// poll asks for the interruption of a spot instance, which comes 2 minutes before (none with hibernation), and for the
// recommendation to leave, which comes earlier or not at all.
func (a *aws) poll(ctx context.Context) ([]Notice, error) {
	var out []Notice
	for _, look := range []func(context.Context) (*Notice, error){a.action, a.rebalance} {
		n, err := look(ctx)
		if err != nil {
			return out, err
		}
		if n != nil {
			out = append(out, *n)
		}
	}
	return out, nil
}

func (a *aws) action(ctx context.Context) (*Notice, error) {
	got, err := a.get(ctx, awsAction)
	if err != nil || got.status == http.StatusNotFound {
		return nil, err
	}
	var said struct{ Action, Time string }
	if json.Unmarshal([]byte(got.body), &said) != nil || said.Action == "" || got.status != http.StatusOK {
		return nil, got.unexpected(awsAction)
	}
	n := &Notice{Provider: "aws", Kind: said.Action, ID: said.Time, At: time.Now().Add(awsNotice)}
	switch said.Action {
	case "terminate", "stop", "hibernate":
	default:
		n.Kind = "other"
	}
	if at, err := time.Parse(time.RFC3339, said.Time); err == nil { // that it comes is worth more than when
		n.At = at
	}
	return n, nil
}

func (a *aws) rebalance(ctx context.Context) (*Notice, error) {
	got, err := a.get(ctx, awsRebalance)
	if err != nil || got.status == http.StatusNotFound {
		return nil, err
	}
	var said struct{ NoticeTime string }
	if json.Unmarshal([]byte(got.body), &said) != nil || said.NoticeTime == "" || got.status != http.StatusOK {
		return nil, got.unexpected(awsRebalance)
	}
	return &Notice{Provider: "aws", Kind: "rebalance", ID: said.NoticeTime, Advice: true}, nil
}

// get asks with a token, and with another one where that is not taken any more.
func (a *aws) get(ctx context.Context, path string) (answer, error) {
	for again := false; ; again = true {
		if err := a.authorise(ctx); err != nil {
			return answer{}, err
		}
		got, err := a.c.ask(ctx, request{path: path, header: map[string]string{"X-aws-ec2-metadata-token": a.token}})
		if err != nil || got.status != http.StatusUnauthorized || again {
			return got, err
		}
		a.token = ""
	}
}

// authorise gets a token where there is none that lives for another while.
func (a *aws) authorise(ctx context.Context) error {
	if a.token != "" && time.Now().Before(a.until) {
		return nil
	}
	asked := time.Now()
	life := strconv.Itoa(int(awsLife.Seconds()))
	got, err := a.c.ask(ctx, request{method: http.MethodPut, path: awsToken, header: map[string]string{awsTTL: life}})
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(got.header.Get(awsTTL))
	if err != nil || got.status != http.StatusOK || got.body == "" {
		return got.unexpected(awsToken)
	}
	a.token, a.until = got.body, asked.Add(time.Duration(seconds)*time.Second)
	return nil
}

package spot

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	azureName   = "/metadata/instance/compute/name?api-version=2021-02-01&format=text"
	azureEvents = "/metadata/scheduledevents?api-version=2020-07-01"
	azureEvery  = time.Second
	azureNotice = 30 * time.Second // the shortest, before a spot machine is evicted
	// azureFirst is how long the first answer may take: the first question turns the machine's scheduled events on.
	azureFirst = 2*time.Minute + answerIn
)

// azureMachine is what a machine, or an instance of a scale set, can be called.
var azureMachine = regexp.MustCompile(`^[A-Za-z0-9._-]{1,80}$`)

// azureHeader is needed in every question.
var azureHeader = map[string]string{"Metadata": "true"}

// azure asks Azure's instance metadata service.
type azure struct {
	c        *client
	name     string // of this machine, once it is known
	answered bool   // a question for events was
}

func newAzure(c *client) *provider {
	a := &azure{c: c}
	probe := func(ctx context.Context) bool {
		_, err := (&azure{c: c}).machine(ctx)
		return err == nil
	}
	return &provider{name: "azure", probe: probe, sources: []source{{azureEvery, a.poll}}}
}

// azureEvent is one of the scheduled events.
type azureEvent struct {
	EventID   string `json:"EventId"`
	EventType string
	Resources []string // machines by name
	Status    string   `json:"EventStatus"` // Scheduled or Started
	NotBefore string   // empty once it has started
}

// poll asks for scheduled events. They are those of all machines of a set; those of others are left out.
func (a *azure) poll(ctx context.Context) ([]Notice, error) {
	name, err := a.machine(ctx)
	if err != nil {
		return nil, err
	}
	within := azureFirst
	if a.answered {
		within = answerIn
	}
	got, err := a.c.ask(ctx, request{path: azureEvents, header: azureHeader, within: within})
	if err != nil {
		return nil, err
	}
	var list struct{ Events []azureEvent }
	if got.status != http.StatusOK || json.Unmarshal([]byte(got.body), &list) != nil {
		return nil, got.unexpected(azureEvents)
	}
	a.answered = true
	var out []Notice
	for _, e := range list.Events {
		if n, ok := a.notice(e, name); ok {
			out = append(out, n)
		}
	}
	return out, nil
}

// notice reads an event; it reports false where this machine stays: another one is meant, or it only stands still for a
// moment, or it comes back from a start that has begun.
func (a *azure) notice(e azureEvent, name string) (Notice, bool) {
	mine := false
	for _, r := range e.Resources {
		mine = mine || strings.EqualFold(r, name)
	}
	started := e.Status == "Started"
	switch e.EventType {
	case "Preempt", "Terminate":
	case "Reboot", "Redeploy":
		if started { // it is listed for a while after the machine is back
			return Notice{}, false
		}
	default:
		return Notice{}, false
	}
	if !mine {
		return Notice{}, false
	}
	n := Notice{Provider: "azure", Kind: strings.ToLower(e.EventType), ID: e.EventID, At: time.Now()}
	if at, err := time.Parse(time.RFC1123, e.NotBefore); err == nil {
		n.At = at
	} else if !started { // in a form that is not known: as soon as any of them may
		n.At = n.At.Add(azureNotice)
	}
	if !started && len(e.Resources) == 1 { // one's word counts for all machines of an event
		n.Approve = func(ctx context.Context) error { return a.approve(ctx, e.EventID) }
	}
	return n, true
}

// approve lets an event begin before its time.
func (a *azure) approve(ctx context.Context, id string) error {
	type start struct {
		EventID string `json:"EventId"`
	}
	body, err := json.Marshal(struct{ StartRequests []start }{[]start{{id}}})
	if err != nil {
		return err
	}
	header := map[string]string{"Metadata": "true", "Content-Type": "application/json"}
	got, err := a.c.ask(ctx, request{method: http.MethodPost, path: azureEvents, header: header, body: string(body)})
	if err == nil && got.status/100 != 2 {
		err = got.unexpected(azureEvents)
	}
	return err
}

// machine is this machine's name.
func (a *azure) machine(ctx context.Context) (string, error) {
	if a.name != "" {
		return a.name, nil
	}
	got, err := a.c.ask(ctx, request{path: azureName, header: azureHeader})
	if err != nil {
		return "", err
	}
	if got.status != http.StatusOK || !azureMachine.MatchString(got.body) {
		return "", got.unexpected(azureName)
	}
	a.name = got.body
	return a.name, nil
}

package spot

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	gcpPreempted   = "/computeMetadata/v1/instance/preempted"
	gcpMaintenance = "/computeMetadata/v1/instance/maintenance-event"
	gcpFlavor      = "Metadata-Flavor"
	gcpWait        = 60 * time.Second // for a change, in one question
	gcpEvery       = time.Second      // between two such
	gcpNotice      = 30 * time.Second
	gcpStops       = 60 * time.Second // a machine with GPUs is told an hour before, in the same words
)

// gcpValue is a value of Compute Engine's metadata, of which one can wait for a change.
type gcpValue struct {
	c    *client
	path string
	etag string                               // of the last answer
	read func(value string) ([]Notice, error) // nothing where the value announces nothing
}

func newGCP(c *client) *provider {
	preempted := &gcpValue{c: c, path: gcpPreempted, read: func(value string) ([]Notice, error) {
		switch value {
		case "TRUE":
			return []Notice{{Provider: "gcp", Kind: "preempted", At: time.Now().Add(gcpNotice)}}, nil
		case "FALSE":
			return nil, nil
		}
		return nil, fmt.Errorf("%s is neither TRUE nor FALSE", gcpPreempted)
	}}
	// A machine that moves while it runs (MIGRATE_ON_HOST_MAINTENANCE) stays, and words of later releases mean nothing here.
	maintenance := &gcpValue{c: c, path: gcpMaintenance, read: func(value string) ([]Notice, error) {
		if value == "TERMINATE_ON_HOST_MAINTENANCE" {
			return []Notice{{Provider: "gcp", Kind: "maintenance", At: time.Now().Add(gcpStops)}}, nil
		}
		return nil, nil
	}}
	probe := func(ctx context.Context) bool {
		_, err := preempted.ask(ctx, "", 0)
		return err == nil
	}
	return &provider{name: "gcp", probe: probe, sources: []source{{gcpEvery, preempted.poll}, {gcpEvery, maintenance.poll}}}
}

// poll returns what the value announces; after the first time it waits for another value, up to gcpWait.
func (v *gcpValue) poll(ctx context.Context) ([]Notice, error) {
	query, within := "", time.Duration(0)
	if v.etag != "" {
		query = "?wait_for_change=true&timeout_sec=" + fmt.Sprint(int(gcpWait.Seconds())) + "&last_etag=" + url.QueryEscape(v.etag)
		within = gcpWait + answerIn
	}
	v.etag = "" // after a failure, see how it is before waiting again
	got, err := v.ask(ctx, query, within)
	if err != nil {
		return nil, err
	}
	notices, err := v.read(got.body)
	if err == nil {
		v.etag = got.header.Get("ETag")
	}
	return notices, err
}

func (v *gcpValue) ask(ctx context.Context, query string, within time.Duration) (answer, error) {
	got, err := v.c.ask(ctx, request{path: v.path + query, header: map[string]string{gcpFlavor: "Google"}, within: within})
	if err == nil && (got.status != http.StatusOK || got.header.Get(gcpFlavor) != "Google") {
		err = got.unexpected(v.path)
	}
	return got, err
}

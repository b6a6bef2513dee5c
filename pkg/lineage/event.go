// Package lineage writes what a data run read and made as OpenLineage events (spec 2-0-2), so that catalogues which understand them
// need no adapter. An event is the whole JSON of a message on the bus; its subject is Subject's.
//
// A run has one START and one of COMPLETE, FAIL and ABORT, each the same however often it is built: consumers may see it again. The
// package refuses to send anything, and events that a catalogue would refuse.
package lineage

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// Producer names us in events and facets.
const Producer = "https://github.com/leathq/leat"

const (
	spec    = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	subject = "evt.lineage.run_event.v1."
)

// Subject is where a run's events go, in the stream EVENTS; id is the run's, a NATS token.
func Subject(id string) string { return subject + id }

// Type is the transition that an event tells.
type Type string

// The transitions. A run has one Start and one of the others.
const (
	Start    Type = "START"
	Complete Type = "COMPLETE"
	Fail     Type = "FAIL"
	Abort    Type = "ABORT"
)

// Event is a run's transition. Build it with New; then add what is known of its datasets.
type Event struct {
	Type      Type      `json:"eventType"`
	Time      time.Time `json:"eventTime"`
	Producer  string    `json:"producer"`
	SchemaURL string    `json:"schemaURL"`
	Run       Run       `json:"run"`
	Job       Job       `json:"job"`
	Inputs    []Dataset `json:"inputs"`
	Outputs   []Dataset `json:"outputs"`
}

// Facets are what is known beside the names, by their names in the specification.
type Facets map[string]any

// Run is the run of an event.
type Run struct {
	ID     string `json:"runId"` // a UUID; RunID makes it
	Facets Facets `json:"facets,omitempty"`
}

// Job is what ran.
type Job struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    Facets `json:"facets,omitempty"`
}

// Dataset is what was read or made. InputFacets are an input's only, OutputFacets an output's.
type Dataset struct {
	Namespace    string `json:"namespace"`
	Name         string `json:"name"`
	Facets       Facets `json:"facets,omitempty"`
	InputFacets  Facets `json:"inputFacets,omitempty"`
	OutputFacets Facets `json:"outputFacets,omitempty"`
}

// RunID is the UUID of a run: version 5, of its id at Producer, so that every replica and every repetition says the same.
func RunID(id string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(Producer+"/runs/"+id)).String()
}

// New is an event of the run with an id of ours. The job is a batch job of ours; its namespace is the tenant, its name the run's.
func New(t Type, at time.Time, id string, job Job) *Event {
	job = Job{Namespace: job.Namespace, Name: job.Name, Facets: with(job.Facets, "jobType", jobType{
		base: facet("2-0-4", "JobTypeJobFacet"), ProcessingType: "BATCH", Integration: "LEAT", JobType: "JOB",
	})}
	return &Event{Type: t, Time: at.UTC(), Producer: Producer, SchemaURL: spec,
		Run: Run{ID: RunID(id)}, Job: job, Inputs: []Dataset{}, Outputs: []Dataset{}}
}

// MessageID is the Nats-Msg-Id of an event: the same event has the same, so that it is kept once.
func (e *Event) MessageID() string { return e.Run.ID + "." + string(e.Type) }

// Check refuses what the specification does, with all mistakes at once.
func (e *Event) Check() error {
	var all []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Errorf("lineage event: "+format, args...))
		}
	}
	switch e.Type {
	case Start, Complete, Fail, Abort:
	default:
		refuse(true, "%q is no transition", e.Type)
	}
	refuse(e.Time.IsZero(), "no time")
	_, err := uuid.Parse(e.Run.ID)
	refuse(err != nil, "the run %q is no UUID", e.Run.ID)
	refuse(e.Job.Namespace == "" || e.Job.Name == "", "the job has no name or no namespace")
	_, err = url.ParseRequestURI(e.Producer)
	refuse(err != nil || e.SchemaURL != spec, "producer or schemaURL is not set; use New")
	for i, d := range append(append([]Dataset{}, e.Inputs...), e.Outputs...) {
		refuse(d.Namespace == "" || d.Name == "", "dataset %d has no name or no namespace", i)
	}
	return errors.Join(all...)
}

// with returns facets and one more, leaving the ones given as they are.
func with(f Facets, name string, value any) Facets {
	out := Facets{name: value}
	for k, v := range f {
		if k != name {
			out[k] = v
		}
	}
	return out
}

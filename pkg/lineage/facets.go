package lineage

import (
	"maps"
	"slices"
	"time"
)

// base begins every facet.
type base struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

func facet(version, name string) base {
	return base{Producer, "https://openlineage.io/spec/facets/" + version + "/" + name + ".json#/$defs/" + name}
}

type jobType struct {
	base
	ProcessingType string `json:"processingType"`
	Integration    string `json:"integration"`
	JobType        string `json:"jobType"`
}

type parent struct {
	base
	Run struct {
		ID string `json:"runId"`
	} `json:"run"`
	Job struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"job"`
}

// Parent names the run that started this one, such as a pipeline's step; id is ours.
func (e *Event) Parent(id string, job Job) {
	p := parent{base: facet("1-2-0", "ParentRunFacet")}
	p.Run.ID, p.Job.Namespace, p.Job.Name = RunID(id), job.Namespace, job.Name
	e.Run.Facets = with(e.Run.Facets, "parent", p)
}

type nominalTime struct {
	base
	Start time.Time  `json:"nominalStartTime"`
	End   *time.Time `json:"nominalEndTime,omitempty"`
}

// Nominal says which time a scheduled run stands for; end may be zero.
func (e *Event) Nominal(start, end time.Time) {
	n := nominalTime{base: facet("1-0-1", "NominalTimeRunFacet"), Start: start.UTC()}
	if !end.IsZero() {
		end = end.UTC()
		n.End = &end
	}
	e.Run.Facets = with(e.Run.Facets, "nominalTime", n)
}

type errorMessage struct {
	base
	Message  string `json:"message"`
	Language string `json:"programmingLanguage"`
}

// Error says why a run failed.
func (e *Event) Error(message string) {
	e.Run.Facets = with(e.Run.Facets, "errorMessage", errorMessage{facet("1-0-1", "ErrorMessageRunFacet"), message, "Go"})
}

type sourceCode struct {
	base
	Type    string `json:"type"`
	URL     string `json:"url"`
	Version string `json:"version,omitempty"`
}

// Code says which version of the program ran: a commit.
func (e *Event) Code(commit string) {
	s := sourceCode{facet("1-1-0", "SourceCodeLocationJobFacet"), "git", Producer, commit}
	e.Job.Facets = with(e.Job.Facets, "sourceCodeLocation", s)
}

// Tag is a key and a value that people gave.
type Tag struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"` // Tags sets it
}

type tags struct {
	base
	Tags []Tag `json:"tags"`
}

// Tags are what people wrote beside a run, in order of their keys.
func (e *Event) Tags(given map[string]string) {
	t := tags{facet("1-0-0", "TagsRunFacet"), []Tag{}}
	for _, k := range slices.Sorted(maps.Keys(given)) {
		t.Tags = append(t.Tags, Tag{k, given[k], "USER"})
	}
	e.Run.Facets = with(e.Run.Facets, "tags", t)
}

// Assertion is the outcome of one expectation. Column is empty where it is about all of the dataset.
type Assertion struct {
	Assertion string `json:"assertion"` // the expectation's type
	Success   bool   `json:"success"`
	Column    string `json:"column,omitempty"`
	Severity  string `json:"severity,omitempty"` // "error" or "warn"
	Expected  string `json:"expected,omitempty"`
	Actual    string `json:"actual,omitempty"`
}

type assertions struct {
	base
	Assertions []Assertion `json:"assertions"`
}

// Assertions are what a suite said of an input of the run.
func (d *Dataset) Assertions(all []Assertion) {
	if all == nil {
		all = []Assertion{}
	}
	d.InputFacets = with(d.InputFacets, "dataQualityAssertions", assertions{facet("1-1-0", "DataQualityAssertionsDatasetFacet"), all})
}

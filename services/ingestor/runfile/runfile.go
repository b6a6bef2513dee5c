// Package runfile is how people write data runs: a YAML file for `leat data run`, and the same as JSON in jobs. It makes a leat.data.v1.Run of it, and refuses
// to know what stages do with their specs: who does them checks those.
package runfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/near"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// document is a run as people write it.
type document struct {
	Name     string          `json:"name"`
	Tenant   string          `json:"tenant"`
	Class    string          `json:"class"`
	Source   json.RawMessage `json:"source"`
	Validate json.RawMessage `json:"validate"`
	Stages   []stage         `json:"stages"`
	Dataset  string          `json:"dataset"`
	Limits   *limits         `json:"limits"`
	Full     bool            `json:"full"`
	Since    string          `json:"since"`
}

type stage struct {
	Name string          `json:"name"`
	Kind string          `json:"kind"`
	From string          `json:"from"`
	Spec json.RawMessage `json:"spec"`
}

type limits struct {
	SegmentBytes size     `json:"segment_bytes"`
	BatchBytes   size     `json:"batch_bytes"`
	MaxBadShare  *float64 `json:"max_bad_share"`
	MaxBad       *uint64  `json:"max_bad"`
}

// size is a number of bytes, or a text such as 64MiB.
type size uint64

// UnmarshalJSON reads both.
func (s *size) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	var b conf.Bytes
	if err := b.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	*s = size(b)
	return nil
}

// The keys of a run, of one of its stages, and of its limits.
var (
	runKeys   = []string{"name", "source", "validate", "dataset", "stages", "limits", "full", "since", "tenant", "class"}
	stageKeys = []string{"name", "kind", "from", "spec"}
	limitKeys = []string{"segment_bytes", "batch_bytes", "max_bad_share", "max_bad"}
)

// FromJSON reads a job's payload: the JSON of a run as people write it, or of the message leat.data.v1.Run. The class is the job's, and what the payload says
// of it is left out.
func FromJSON(data []byte) (*datav1.Run, error) {
	if spelled(data) {
		run := &datav1.Run{}
		if err := protojson.Unmarshal(data, run); err != nil {
			return nil, fmt.Errorf("the run is not the JSON of leat.data.v1.Run: %w", err)
		}
		return run, nil
	}
	d, err := decode(data)
	if err != nil {
		return nil, err
	}
	return d.run()
}

// spelled says whether JSON is that of the message, where specs are bytes in base64, and a run has an id.
func spelled(data []byte) bool {
	var head struct {
		ID     string `json:"id"`
		Stages []struct {
			Spec json.RawMessage `json:"spec"`
		} `json:"stages"`
	}
	if json.Unmarshal(data, &head) != nil {
		return false
	}
	return head.ID != "" || len(head.Stages) > 0 && bytes.HasPrefix(head.Stages[0].Spec, []byte(`"`))
}

// unknownKey is how encoding/json says that a struct has no such key.
var unknownKey = regexp.MustCompile(`unknown field "(.*)"$`)

func decode(data []byte) (*document, error) {
	d, out := json.NewDecoder(bytes.NewReader(data)), &document{}
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		if m := unknownKey.FindStringSubmatch(err.Error()); m != nil {
			known := append(append(append([]string{}, runKeys...), stageKeys...), limitKeys...)
			return nil, fmt.Errorf("the key %q is unknown%s", m[1], hint(m[1], known))
		}
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field != "" {
			return nil, fmt.Errorf("%s: it is a %s, and must be a %s", kind.Field, kind.Value, worded(kind.Type.String()))
		}
		return nil, fmt.Errorf("the run is no JSON object of a run: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON object of the run; take it away")
	}
	return out, nil
}

// worded is a Go type in words.
func worded(kind string) string {
	switch {
	case strings.HasPrefix(kind, "[]"):
		return "list"
	case strings.Contains(kind, "float"):
		return "number"
	case strings.Contains(kind, "uint"):
		return "whole number from 0 on"
	case kind == "bool":
		return "true or false"
	case kind == "string":
		return "text"
	}
	return "mapping"
}

// run makes the message.
func (d *document) run() (*datav1.Run, error) {
	r := &datav1.Run{Name: d.Name, Tenant: d.Tenant, Full: d.Full, Since: d.Since}
	if d.Dataset != "" {
		r.Target = &datav1.Target{Dataset: d.Dataset}
	}
	if l := d.Limits; l != nil {
		r.Limits = &datav1.Limits{SegmentBytes: uint64(l.SegmentBytes), BatchBytes: uint64(l.BatchBytes), MaxBadShare: l.MaxBadShare, MaxBad: l.MaxBad}
		if l.MaxBadShare != nil && (*l.MaxBadShare < 0 || *l.MaxBadShare > 1) {
			return nil, fmt.Errorf("limits.max_bad_share: %v is not between 0 and 1", *l.MaxBadShare)
		}
	}
	var err error
	r.Stages, err = d.graph()
	return r, err
}

// keepAll is the spec of a stage that keeps rows for a dataset without judging them, where there are any.
const keepAll = `{"gates": {"min_new_rows": 1, "schema": "off", "volume": {"off": true}, "nulls": {"off": true}}}`

// graph is the stages: those that are written out, or ingest and what follows it.
func (d *document) graph() (out []*datav1.Stage, err error) {
	switch {
	case len(d.Stages) > 0 && (d.Source != nil || d.Validate != nil):
		return nil, errors.New("stages: they are the whole run; put source and validate into their specs, or leave stages out")
	case len(d.Stages) == 0 && d.Source == nil:
		return nil, errors.New("source: it is missing: a mapping with `type` and what that type takes")
	case len(d.Stages) == 0:
		spec, err := json.Marshal(map[string]json.RawMessage{"source": d.Source})
		if err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
		out = append(out, &datav1.Stage{Name: "ingest", Kind: "ingest", Spec: spec})
		switch {
		case d.Validate != nil:
			out = append(out, &datav1.Stage{Name: "validate", Kind: "validate", From: "ingest", Spec: d.Validate})
		case d.Dataset != "":
			out = append(out, &datav1.Stage{Name: "keep", Kind: "validate", From: "ingest", Spec: []byte(keepAll)})
		}
		return out, nil
	}
	for _, s := range d.Stages {
		out = append(out, &datav1.Stage{Name: s.Name, Kind: s.Kind, From: s.From, Spec: s.Spec})
	}
	return out, nil
}

// hint is the end of a refusal of a word: the nearest of the known ones, or all of them.
func hint(word string, known []string) string {
	at := near.Word(word, known, max(len(word)/3, 2)+1)
	if at == "" {
		return "; there are " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("; do you mean %q?", at)
}

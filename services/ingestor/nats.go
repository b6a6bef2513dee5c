package ingestor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/record"
)

// natsConfig is the YAML of `type: nats`: the messages of a JetStream stream, of a server that need not be Leat's own. Subjects that no stream keeps are
// not read: nobody could read the same messages again after a crash.
type natsConfig struct {
	Type   string      `yaml:"type"`
	URL    string      `yaml:"url"`
	Creds  string      `yaml:"creds"`     // a file of credentials
	Token  string      `yaml:"token_env"` // the variable of the environment that holds a token
	Stream string      `yaml:"stream"`
	Filter string      `yaml:"subject"` // with wildcards; empty: all of the stream's
	Value  string      `yaml:"value"`   // json (default), text, bytes or arrow: a batch a message, as pkg/arrowio reads them
	Fields []natsField `yaml:"schema"`  // json: of the message's fields; absent: inferred from the first messages
}

type natsField struct {
	Name     string `yaml:"name"     json:"name"`
	Type     string `yaml:"type"     json:"type"`
	Nullable bool   `yaml:"nullable" json:"nullable"`
}

// natsPatience is how long a server may have nothing for us although it says that there is more.
const natsPatience = 30 * time.Second

// natsSample is from how many messages a schema is inferred.
const natsSample = 100

// natsSource reads one stream. It is one partition, in order of the stream's sequence.
type natsSource struct {
	cfg    natsConfig
	schema *arrowio.Schema // given; nil: inferred
	token  string
	creds  []byte
	dialer *net.Dialer
}

// NATS makes a source of `type: nats`. It connects to nothing yet.
func NATS(spec []byte, d source.Deps) (source.Source, error) {
	s := &natsSource{cfg: natsConfig{Value: "json"}, dialer: d.Bounds.Dialer()}
	if err := source.Decode(spec, &s.cfg); err != nil {
		return nil, err
	}
	c := s.cfg
	switch {
	case c.URL == "":
		return nil, source.Errorf(source.Invalid, "source nats: url: must name a server, such as nats://localhost:4222")
	case c.Stream == "":
		return nil, source.Errorf(source.Invalid, "source nats: stream: must name a JetStream stream; messages that no stream keeps cannot be read twice")
	case !slices.Contains([]string{"json", "text", "bytes", "arrow"}, c.Value):
		return nil, source.Errorf(source.Invalid, "source nats: value: must be json, text, bytes or arrow, not %q", c.Value)
	case len(c.Fields) > 0 && c.Value != "json":
		return nil, source.Errorf(source.Invalid, "source nats: schema: belongs to value: json")
	}
	if err := s.secrets(d); err != nil {
		return nil, err
	}
	if len(c.Fields) == 0 {
		return s, nil
	}
	raw, err := json.Marshal(c.Fields)
	if err == nil {
		s.schema = &arrowio.Schema{}
		err = json.Unmarshal(raw, s.schema)
	}
	if err != nil {
		return nil, source.Errorf(source.Invalid, "source nats: %w", err)
	}
	return s, nil
}

// secrets takes what the source shows to the server.
func (s *natsSource) secrets(d source.Deps) (err error) {
	if s.cfg.Token != "" {
		if s.token, err = d.Secret("token_env", s.cfg.Token); err != nil {
			return err
		}
	}
	if s.cfg.Creds != "" {
		s.creds, err = files.On(d).ReadAll(s.cfg.Creds)
	}
	return err
}

// natsSpec is the partition: sequences from From to To, both included.
type natsSpec struct {
	From   uint64          `json:"from"`
	To     uint64          `json:"to"`
	Schema *arrowio.Schema `json:"schema"`
}

// natsMark is up to where a stream was read.
type natsMark struct {
	Stream   string    `json:"stream"`
	Created  time.Time `json:"created"` // another stream of the same name has other messages
	Sequence uint64    `json:"sequence"`
}

func (s *natsSource) connect() (*nats.Conn, jetstream.JetStream, error) {
	opts := []nats.Option{nats.Name("leat source"), nats.Timeout(10 * time.Second), nats.SetCustomDialer(s.dialer)}
	if s.creds != nil {
		opts = append(opts, nats.UserCredentialBytes(s.creds))
	}
	if s.token != "" {
		opts = append(opts, nats.Token(s.token))
	}
	nc, err := nats.Connect(s.cfg.URL, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("source nats: connect for stream %s: %w", s.cfg.Stream, err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, nil, fmt.Errorf("source nats: %w", err)
	}
	return nc, js, nil
}

// Plan takes what the stream holds now.
func (s *natsSource) Plan(ctx context.Context, since source.Watermark) (*source.Plan, error) {
	nc, js, err := s.connect()
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	stream, err := js.Stream(ctx, s.cfg.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, source.Errorf(source.Missing, "source nats: there is no stream %s at this server; check `stream` and `url`", s.cfg.Stream)
	} else if err != nil {
		return nil, fmt.Errorf("source nats: ask for stream %s: %w", s.cfg.Stream, err)
	}
	info := stream.CachedInfo()
	sp := natsSpec{From: info.State.FirstSeq, To: info.State.LastSeq, Schema: s.schema}
	if sp.From, err = s.after(since, info); err != nil {
		return nil, err
	}
	plan := &source.Plan{}
	if plan.Next, err = json.Marshal(natsMark{s.cfg.Stream, info.Created.UTC(), sp.To}); err != nil {
		return nil, err
	}
	if sp.Schema, err = s.columns(ctx, js, sp); err != nil {
		return nil, err
	}
	plan.Schema = sp.Schema
	if sp.From > sp.To || info.State.Msgs == 0 {
		return plan, nil
	}
	raw, err := json.Marshal(sp)
	plan.Parts = []source.Part{{
		ID:   fmt.Sprintf("%s/%d/%s/%d-%d", s.cfg.Stream, info.Created.Unix(), s.cfg.Filter, sp.From, sp.To),
		Name: fmt.Sprintf("stream %s, messages %d to %d", s.cfg.Stream, sp.From, sp.To), Spec: raw,
	}}
	return plan, err
}

// after is the first sequence that a watermark leaves.
func (s *natsSource) after(since source.Watermark, info *jetstream.StreamInfo) (uint64, error) {
	first, last := info.State.FirstSeq, info.State.LastSeq
	if len(since) == 0 {
		return first, nil
	}
	var m natsMark
	switch err := json.Unmarshal(since, &m); {
	case err != nil || m.Stream != s.cfg.Stream:
		return 0, source.Errorf(source.Invalid, "source nats: the watermark %.100s is not of stream %s; run with --full", since, s.cfg.Stream)
	case !m.Created.Equal(info.Created.UTC()) || m.Sequence > last:
		return 0, source.Errorf(source.Changed, "source nats: stream %s is another one than it was: it was made at %s; run with --full", s.cfg.Stream, info.Created.UTC().Format(time.RFC3339))
	case m.Sequence+1 < first:
		return 0, source.Errorf(source.Changed, "source nats: stream %s begins at message %d; those from %d on were removed before they were read; run with --full to go on from what is there", s.cfg.Stream, first, m.Sequence+1)
	}
	return m.Sequence + 1, nil
}

// beside are the columns that every message has; those of a value in JSON follow.
func beside() []arrowio.Field {
	text := arrowio.Type{Kind: arrowio.String}
	header := arrowio.Type{Kind: arrowio.Struct, Elem: []arrowio.Field{{Name: "name", Type: text}, {Name: "value", Type: text}}}
	return []arrowio.Field{
		{Name: "nats_sequence", Type: arrowio.Type{Kind: arrowio.Uint64}},
		{Name: "nats_subject", Type: text},
		{Name: "nats_timestamp", Type: arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Nano, Zone: "UTC"}},
		{Name: "nats_headers", Type: arrowio.Type{Kind: arrowio.List, Elem: []arrowio.Field{{Name: "item", Type: header}}}},
	}
}

// columns is the schema, from a look at the first messages where it is not known.
func (s *natsSource) columns(ctx context.Context, js jetstream.JetStream, sp natsSpec) (*arrowio.Schema, error) {
	out := &arrowio.Schema{Fields: beside()}
	switch s.cfg.Value {
	case "bytes", "text":
		kind := map[string]arrowio.Kind{"bytes": arrowio.Binary, "text": arrowio.String}[s.cfg.Value]
		out.Fields = append(out.Fields, arrowio.Field{Name: "value", Type: arrowio.Type{Kind: kind}})
		return out, nil
	}
	if s.schema != nil {
		out.Fields = append(out.Fields, s.schema.Fields...)
		return out, nil
	}
	m, err := s.messages(ctx, js, sp)
	if err != nil {
		return nil, err
	}
	defer m.close()
	var sample []json.RawMessage
	for len(sample) < natsSample {
		msg, err := m.next(ctx)
		if err != nil {
			return nil, err
		}
		if msg == nil {
			break
		}
		if s.cfg.Value == "arrow" {
			b, err := arrowio.Decode(msg.data, arrowio.DefaultLimits())
			if err != nil {
				return nil, source.Errorf(source.Malformed, "source nats: message %d of stream %s is no batch: %w; check `value`", msg.seq, s.cfg.Stream, err)
			}
			return b.Schema(), nil
		}
		sample = append(sample, msg.data)
	}
	inferred, err := record.Infer(sample)
	if err != nil {
		return nil, source.Errorf(source.Malformed, "source nats: stream %s: %w; give a schema, then such messages are refused one by one", s.cfg.Stream, err)
	}
	if s.cfg.Value == "arrow" || len(inferred.Fields) == 0 && sp.From <= sp.To {
		return nil, source.Errorf(source.Missing, "source nats: stream %s has no new message on %q to take a schema from; give one, or run later", s.cfg.Stream, s.cfg.Filter)
	}
	out.Fields = append(out.Fields, inferred.Fields...)
	return out, nil
}

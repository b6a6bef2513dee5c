// Command leat-source-kafka reads a topic up to where it ended when the run was planned. Its partitions are the topic's; places are offsets.
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

func main() { sdk.Main("leat-source-kafka", "1", open) }

type config struct {
	Brokers  []string        `json:"brokers"`
	Topic    string          `json:"topic"`
	Value    string          `json:"value"`  // bytes (default), text or json: then the value's fields are columns
	Schema   *arrowio.Schema `json:"schema"` // json: of the value's fields; absent: inferred from the first records
	Sample   int             `json:"sample"` // how many records a partition that is
	TLS      bool            `json:"tls"`
	User     string          `json:"user"`         // SASL
	Password string          `json:"password_env"` // the variable of the environment that holds the password
	SASL     string          `json:"sasl"`         // plain (default), scram-sha-256 or scram-sha-512
}

func open(raw json.RawMessage) (sdk.Source, error) {
	c := config{Value: "bytes", Sample: 100, SASL: "plain"}
	if err := sdk.Config(raw, &c); err != nil {
		return nil, err
	}
	return &topic{cfg: c}, c.validate()
}

func (c config) validate() error {
	switch {
	case len(c.Brokers) == 0:
		return fmt.Errorf("brokers: must name at least one, such as [localhost:9092]")
	case c.Topic == "":
		return fmt.Errorf("topic: must name one")
	case !slices.Contains([]string{"bytes", "text", "json"}, c.Value):
		return fmt.Errorf("value: must be bytes, text or json, not %q", c.Value)
	case c.Schema != nil && c.Value != "json":
		return fmt.Errorf("schema: belongs to value: json")
	case c.Sample < 1 || c.Sample > 10000:
		return fmt.Errorf("sample: must be from 1 to 10000, not %d", c.Sample)
	case (c.User == "") != (c.Password == ""):
		return fmt.Errorf("user and password_env belong together")
	case !slices.Contains([]string{"plain", "scram-sha-256", "scram-sha-512"}, c.SASL):
		return fmt.Errorf("sasl: must be plain, scram-sha-256 or scram-sha-512, not %q", c.SASL)
	}
	return nil
}

// client connects when it is first used. Records of transactions that were not committed are never seen.
func (c config) client(more ...kgo.Opt) (*kgo.Client, error) {
	opts := append([]kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords()}, more...)
	if c.TLS {
		opts = append(opts, kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if c.User != "" {
		pass := os.Getenv(c.Password)
		if pass == "" {
			return nil, sdk.Fail("bad_config", "password_env: the variable %s is empty; set it for the ingestor", c.Password)
		}
		opts = append(opts, kgo.SASL(c.mechanism(pass)))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, sdk.Fail("bad_config", "the Kafka client refuses the configuration: %v", err)
	}
	return cl, nil
}

func (c config) mechanism(pass string) sasl.Mechanism {
	auth := scram.Auth{User: c.User, Pass: pass}
	switch c.SASL {
	case "scram-sha-256":
		return auth.AsSha256Mechanism()
	case "scram-sha-512":
		return auth.AsSha512Mechanism()
	}
	return plain.Auth{User: c.User, Pass: pass}.AsMechanism()
}

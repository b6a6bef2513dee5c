package bus

import (
	"fmt"
	"net/url"
	"time"
)

// Config says which NATS to speak to.
type Config struct {
	URL            string        `yaml:"url" flag:"nats" doc:"NATS server, nats://host:port or tls://host:port, several with commas"`
	Creds          string        `yaml:"creds" flag:"nats-creds" doc:"file with NATS credentials (JWT and seed)"`
	ConnectTimeout time.Duration `yaml:"connect_timeout" flag:"nats-connect-timeout" doc:"how long to try to reach NATS at start"`
	LeaseReplicas  int           `yaml:"lease_replicas" flag:"nats-lease-replicas" doc:"copies of the leases bucket: 1, or 3 on a cluster"`
}

// DefaultConfig is a NATS on this machine.
func DefaultConfig() Config {
	return Config{URL: "nats://127.0.0.1:4222", ConnectTimeout: 5 * time.Second, LeaseReplicas: 1}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	if c.URL == "" {
		return fmt.Errorf("nats: no URL; give one such as nats://127.0.0.1:4222")
	}
	if _, err := url.Parse(c.URL); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	if c.ConnectTimeout <= 0 {
		return fmt.Errorf("nats-connect-timeout: %s is not a wait; give one above 0, such as 5s", c.ConnectTimeout)
	}
	if c.LeaseReplicas != 1 && c.LeaseReplicas != 3 && c.LeaseReplicas != 5 {
		return fmt.Errorf("nats-lease-replicas: %d is not 1, 3 or 5", c.LeaseReplicas)
	}
	return nil
}

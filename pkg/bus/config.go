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
	User           string        `yaml:"user" flag:"nats-user" doc:"NATS user, with a password"`
	Password       string        `yaml:"password" flag:"nats-password" secret:"true" doc:"the user's password; LEAT_NATS_PASSWORD or a file keeps it out of the process list"`
	PasswordFile   string        `yaml:"password_file" flag:"nats-password-file" doc:"file with the user's password, read anew at every connect"`
	CA             string        `yaml:"ca" flag:"nats-ca" doc:"file with the certificates (PEM) that sign NATS's; empty: the system's"`
	Cert           string        `yaml:"cert" flag:"nats-cert" doc:"file with our certificate (PEM), where NATS asks for one"`
	Key            string        `yaml:"key" flag:"nats-key" doc:"file with that certificate's key (PEM)"`
	ConnectTimeout time.Duration `yaml:"connect_timeout" flag:"nats-connect-timeout" doc:"how long to try to reach NATS at start"`
	LeaseReplicas  int           `yaml:"lease_replicas" flag:"nats-lease-replicas" doc:"copies of the leases bucket, of large payloads, of what sleeping pools serve and of facts: 1, or 3 on a cluster"`
	Monitor        string        `yaml:"monitor" flag:"nats-monitor" doc:"http://host:port of the NATS servers' monitoring, several with commas: where the profile production reads when they sync to disk"`
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
	if err := c.validateIdentity(); err != nil {
		return err
	}
	if c.ConnectTimeout <= 0 {
		return fmt.Errorf("nats-connect-timeout: %s is not a wait; give one above 0, such as 5s", c.ConnectTimeout)
	}
	if c.LeaseReplicas != 1 && c.LeaseReplicas != 3 && c.LeaseReplicas != 5 {
		return fmt.Errorf("nats-lease-replicas: %d is not 1, 3 or 5", c.LeaseReplicas)
	}
	return nil
}

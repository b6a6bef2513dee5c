package bus

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
)

// validateIdentity refuses settings of which NATS could see only some, or two at once.
func (c Config) validateIdentity() error {
	switch {
	case c.User == "" && (c.Password != "" || c.PasswordFile != ""):
		return errors.New("nats-user: a password is given, but no user")
	case c.User != "" && c.Password == "" && c.PasswordFile == "":
		return fmt.Errorf("nats-user: %s has no password; give nats-password-file or LEAT_NATS_PASSWORD", c.User)
	case c.Password != "" && c.PasswordFile != "":
		return errors.New("nats-password-file: nats-password is given as well; leave one out")
	case c.User != "" && c.Creds != "":
		return errors.New("nats-creds: nats-user is given as well; a connection has one identity")
	case (c.Cert == "") != (c.Key == ""):
		return errors.New("nats-cert: a certificate and its key (nats-key) need each other")
	}
	return nil
}

// identity are the options that say who we are and whom we believe.
func (c Config) identity() ([]nats.Option, error) {
	var o []nats.Option
	switch {
	case c.Creds != "":
		o = append(o, nats.UserCredentials(c.Creds))
	case c.PasswordFile != "":
		if _, err := readPassword(c.PasswordFile); err != nil {
			return nil, err
		}
		o = append(o, nats.UserInfoHandler(func() (string, string) {
			p, _ := readPassword(c.PasswordFile) // gone now: NATS refuses us, and we try again
			return c.User, p
		}))
	case c.User != "":
		o = append(o, nats.UserInfo(c.User, c.Password))
	}
	if c.CA != "" {
		o = append(o, nats.RootCAs(c.CA))
	}
	if c.Cert != "" {
		o = append(o, nats.ClientCert(c.Cert, c.Key))
	}
	return o, nil
}

func readPassword(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("nats-password-file: %w", err)
	}
	if p := strings.TrimRight(string(data), "\r\n"); p != "" {
		return p, nil
	}
	return "", fmt.Errorf("nats-password-file: %s is empty", file)
}

// who is the identity that a refusal is about.
func (c Config) who() string {
	switch {
	case c.User != "":
		return "the user " + c.User
	case c.Creds != "":
		return "the credentials in " + c.Creds
	}
	return "a client without credentials"
}

// advice says what may help after a failed connect.
func (c Config) advice(err error) string {
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return "NATS does not take " + c.who() + ": give nats-user and nats-password-file, or nats-creds, as the server's configuration has them"
	case errors.As(err, &unknown):
		return "name the file with the certificates that sign NATS's by nats-ca"
	case strings.Contains(err.Error(), "tls"): // the ways in which a server hangs up have no type in common
		return "where NATS asks for a certificate, give nats-cert and nats-key"
	}
	return "start one with `leat up`, or name another with --nats"
}

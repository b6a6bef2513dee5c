// Command natsusers writes deploy/nats/users.conf and deploy/nats/users.yaml from the roles in pkg/events. It is run in the
// root of the repository.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/leathq/leat/e2e/natsusers"
	"github.com/leathq/leat/pkg/events"
)

func main() {
	if err := write(filepath.Join("deploy", "nats")); err != nil {
		fmt.Fprintln(os.Stderr, "natsusers:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	users := natsusers.Users(events.Flows(), events.Stores())
	values, err := natsusers.Values(users, natsusers.Secret)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"users.conf": natsusers.Conf(users), "users.yaml": values} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // for all to read: there is no password in it
			return fmt.Errorf("%w (run it in the root of the repository)", err)
		}
	}
	return nil
}

package pool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/pool"
)

// A pool that cannot work is refused when the configuration is loaded, by the name of its key.
func TestPoolsThatCannotWorkAreRefusedAtTheStart(t *testing.T) {
	for body, says := range map[string]string{
		"default: {policy: fastest}":         `pools.default.policy: "fastest"`,
		"default: {partitions: -1}":          "pools.default.partitions: -1",
		"x: {timeouts: {total: -5s}}":        "pools.x.timeouts.total: -5s",
		`"a b": {policy: least_connections}`: "pools.a b: a pool's name",
	} {
		file := filepath.Join(t.TempDir(), "leat.yaml")
		if err := os.WriteFile(file, []byte("pools:\n  "+body+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := conf.Load(conf.Spec{
			Program: "leat up", Args: []string{"--config", file}, Sections: []conf.Section{{Into: &pool.File{}}},
		})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %s", body, err, says)
		}
	}
}

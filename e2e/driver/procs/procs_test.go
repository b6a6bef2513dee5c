package procs_test

import (
	"testing"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/scenario"
)

func TestScenarios(t *testing.T) { scenario.Run(t, procs.Driver{}) }

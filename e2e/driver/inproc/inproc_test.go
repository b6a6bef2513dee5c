package inproc_test

import (
	"testing"

	"github.com/leathq/leat/e2e/driver/inproc"
	"github.com/leathq/leat/e2e/scenario"
)

func TestScenarios(t *testing.T) { scenario.Run(t, inproc.Driver{}) }

package lint_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"aisha/internal/check/lint"
)

func TestNewDroppedResource(t *testing.T) {
	t.Parallel()
	analysistest.Run(t, analysistest.TestData(), lint.NewDroppedResource(), "aisha/a")
}

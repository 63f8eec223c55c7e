package geminiapi

import (
	"strings"
	"testing"

	"aisha/internal/client/upstream"
)

func Test_apiError_summary(t *testing.T) {
	t.Parallel()
	e := &apiError{Code: 400, Message: strings.Repeat("ab\n", 400)}
	if got := e.summary(upstream.Private{}); len(got) > upstream.MaxText+40 || strings.Contains(got, "\n") || !strings.HasSuffix(got, "…") {
		t.Errorf("summary() = %q, want one line of at most 540 bytes that ends with …", got)
	}
}

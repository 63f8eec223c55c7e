package geminiapi

import (
	"strings"
	"testing"
)

func Test_apiError_summary(t *testing.T) {
	t.Parallel()
	e := &apiError{Code: 400, Message: strings.Repeat("ab\n", 400)}
	if got := e.summary(); len(got) > 400 || strings.Contains(got, "\n") || !strings.HasSuffix(got, "…") {
		t.Errorf("summary() = %q, want one line of at most 400 bytes that ends with …", got)
	}
}

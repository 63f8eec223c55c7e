package simulator

import (
	"strings"
	"testing"
)

func TestSplitChunks(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"", "short", strings.Repeat("x", 500), completionText(geminiContent{Parts: []geminiPart{{Text: "ä 😀 !format !long"}}}, 3)} {
		chunks := splitChunks(want)
		if got := strings.Join(chunks, ""); got != want {
			t.Errorf("%d joined chunks are %q, want %q", len(chunks), got, want)
		}
	}
}

package simulator

import (
	"testing"
)

func TestIsAnimatedWebP(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]bool{
		"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02": true,
		"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10": false,
		"RIFF\x00\x00\x00\x00WEBPVP8 ":                     false,
		"":                                                 false,
	} {
		if got := isAnimatedWebP([]byte(content)); got != want {
			t.Errorf("isAnimatedWebP(%q) = %t, want %t", content, got, want)
		}
	}
}

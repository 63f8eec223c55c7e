package whatsapp

import (
	"strings"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

func TestService_Subscribe(t *testing.T) {
	t.Parallel()
	token := sensitive.NewSecret("T")
	request := func(mode, token, challenge string) Subscription {
		return Subscription{Mode: mode, VerifyToken: token, Challenge: challenge}
	}
	tests := map[string]struct {
		token sensitive.Secret
		in    Subscription
		want  fault.Kind // zero: success
	}{
		"right_token":       {token, request("subscribe", "T", "1158201444"), 0},
		"wrong_token":       {token, request("subscribe", "t", "1"), fault.Forbidden},
		"other_mode":        {token, request("unsubscribe", "T", "1"), fault.Forbidden},
		"empty_challenge":   {token, request("subscribe", "T", ""), fault.Invalid},
		"longest_challenge": {token, request("subscribe", "T", strings.Repeat("1", maxChallenge)), 0},
		"longest_non_ascii": {token, request("subscribe", "T", strings.Repeat("é", maxChallenge)), 0},
		"long_challenge":    {token, request("subscribe", "T", strings.Repeat("1", maxChallenge+1)), fault.Invalid},
		"no_token_is_set":   {sensitive.Secret{}, request("subscribe", "", "1"), fault.NotConfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			challenge, err := New(Options{VerifyToken: tt.token}, Deps{}).Subscribe(tt.in).Get()
			if tt.want != 0 {
				if !fault.Is(err, tt.want) {
					t.Errorf("got error %v, want kind %v", err, tt.want)
				}
				return
			}
			if err != nil || challenge != tt.in.Challenge {
				t.Errorf("got %q, %v; want %q, no error", challenge, err, tt.in.Challenge)
			}
		})
	}
}

package wire

import "testing"

func TestHasLoneSurrogate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		raw  string
		want bool
	}{
		"no_escape":               {`"a"`, false},
		"other_escapes":           {`"\n\u0041\\"`, false},
		"pair":                    {`"\ud83d\ude00"`, false},
		"first_half":              {`"\ud83d"`, true},
		"second_half":             {`"\ude00"`, true},
		"halves_in_wrong_order":   {`"\ude00\ud83d"`, true},
		"two_first_halves":        {`"\ud83d\ud83d"`, true},
		"character_between":       {`"\ud83dx\ude00"`, true},
		"escaped_backslash":       {`"\\ud800"`, false},
		"half_after_backslash":    {`"\\\ud800"`, true},
		"pair_then_lone_half":     {`"\ud83d\ude00\ud83d"`, true},
		"uppercase_hexadecimal":   {`"\uD83D\uDE00"`, false},
		"replacement_character":   {`"\ufffd"`, false},
		"half_then_other_escapes": {`"\ud83d\n"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := hasLoneSurrogate(tt.raw); got != tt.want {
				t.Errorf("hasLoneSurrogate(%s) = %t, want %t", tt.raw, got, tt.want)
			}
		})
	}
}

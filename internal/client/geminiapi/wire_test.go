package geminiapi

import "testing"

func Test_removeCandidateCount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, body, want string }{
		{"only_setting",
			`{"generationConfig":{"candidateCount":1}}`,
			`{"generationConfig":{}}`},
		{"before_another_setting",
			`{"generationConfig":{"candidateCount": 1, "maxOutputTokens":9}}`,
			`{"generationConfig":{ "maxOutputTokens":9}}`},
		{"not_within_a_prompt",
			`{"text":"\"candidateCount\":1, \\\"candidateCount\":1 and \"candidateCount"}`,
			`{"text":"\"candidateCount\":1, \\\"candidateCount\":1 and \"candidateCount"}`},
		{"both",
			`{"text":"\"candidateCount\":1,","generationConfig":{"candidateCount":1,"topK":3}}`,
			`{"text":"\"candidateCount\":1,","generationConfig":{"topK":3}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := removeCandidateCount([]byte(test.body)); string(got) != test.want {
				t.Errorf("removeCandidateCount(%s) = %s, want %s", test.body, got, test.want)
			}
		})
	}
}

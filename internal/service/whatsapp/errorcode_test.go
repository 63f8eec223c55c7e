package whatsapp

import "testing"

func TestReactionTo(t *testing.T) {
	t.Parallel()
	const fallback = Reaction(100) // none of the constants
	tests := map[string]struct {
		codes []int
		want  Reaction
	}{
		"token_or_capability":     {[]int{0, 3, 10, 102, 190, 131005}, HoldForOperator},
		"account_or_payment":      {[]int{368, 131031, 131037, 131042, 131044, 131045}, HoldForOperator},
		"permission":              {[]int{200, 299}, HoldForOperator},
		"number_not_registered":   {[]int{133000, 133010, 133999}, HoldForOperator},
		"outage_or_maintenance":   {[]int{1, 2, 131016, 131057}, HoldNumber},
		"limit_of_the_number":     {[]int{4, 17, 32, 613, 80007, 130429}, HoldNumber},
		"limit_of_the_person":     {[]int{131056}, DelayPerson},
		"unclear":                 {[]int{131000, 135000}, RetryUnclear},
		"invalid_parameter":       {[]int{100, 131008, 131009, 131051, 131052, 131053}, GiveUp},
		"person_is_not_reachable": {[]int{131021, 131026, 131030, 131047, 131050, 131062, 137000}, GiveUp},
		"not_delivered_by_policy": {[]int{130472, 130497, 131048, 131049}, GiveUp},
		"template":                {[]int{132000, 132999}, GiveUp},
		"call_flow_or_group":      {[]int{138000, 139999, 131200, 131299}, GiveUp},
		"not_listed":              {[]int{-1, 5, 199, 300, 131199, 131300, 134000, 137999, 140000, 999999}, fallback},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, code := range tt.codes {
				if got := ReactionTo(code, fallback); got != tt.want {
					t.Errorf("got %d for code %d, want %d", got, code, tt.want)
				}
			}
		})
	}
}

func TestRefusal_HoldsNumber(t *testing.T) {
	t.Parallel()
	for reaction, want := range map[Reaction]bool{
		GiveUp:          false,
		RetryUnclear:    false,
		DelayPerson:     false,
		HoldNumber:      true,
		HoldForOperator: true,
	} {
		refusal := Refusal{Reaction: reaction}
		if got := refusal.HoldsNumber(); got != want {
			t.Errorf("got %v for reaction %d, want %v", got, reaction, want)
		}
	}
}

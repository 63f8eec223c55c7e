package graphapi

import (
	"fmt"
	"testing"

	"aisha/internal/service/whatsapp"
)

func TestClient_Send_ReactionToErrorCode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		codes  []int
		want   whatsapp.Reaction
	}{
		"token_permission_capability":             {status: 401, codes: []int{0, 190, 10, 3, 102, 200, 250, 299, 131005}, want: whatsapp.HoldForOperator},
		"throughput_maintenance_outage":           {status: 400, codes: []int{4, 17, 32, 613, 80007, 130429, 131057, 131016, 1, 2}, want: whatsapp.HoldNumber},
		"outage_with_server_error":                {status: 500, codes: []int{1, 2, 131016}, want: whatsapp.HoldNumber},
		"pair_rate_limit":                         {status: 400, codes: []int{131056}, want: whatsapp.DelayPerson},
		"spam_limit_healthy_ecosystem":            {status: 400, codes: []int{131048, 131049}, want: whatsapp.GiveUp},
		"outside_the_service_window":              {status: 400, codes: []int{131047}, want: whatsapp.GiveUp},
		"undeliverable":                           {status: 400, codes: []int{131026}, want: whatsapp.GiveUp},
		"sender_is_recipient":                     {status: 400, codes: []int{131021}, want: whatsapp.GiveUp},
		"not_in_the_test_allow_list":              {status: 400, codes: []int{131030}, want: whatsapp.GiveUp},
		"policy_payment_certificate_display_name": {status: 403, codes: []int{131031, 368, 131042, 131044, 131045, 131037}, want: whatsapp.HoldForOperator},
		"opted_out":                               {status: 400, codes: []int{131050}, want: whatsapp.GiveUp},
		"type_and_media":                          {status: 400, codes: []int{131051, 131052, 131053}, want: whatsapp.GiveUp},
		"parameters":                              {status: 400, codes: []int{100, 131008, 131009}, want: whatsapp.GiveUp},
		"experiment_country":                      {status: 400, codes: []int{130472, 130497}, want: whatsapp.GiveUp},
		"bsuid_not_allowed":                       {status: 400, codes: []int{131062}, want: whatsapp.GiveUp},
		"templates_flows":                         {status: 400, codes: []int{132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069}, want: whatsapp.GiveUp},
		"registration":                            {status: 400, codes: []int{133010, 133016}, want: whatsapp.HoldForOperator},
		"generic":                                 {status: 500, codes: []int{135000, 131000}, want: whatsapp.RetryUnclear},
		"identity_key":                            {status: 400, codes: []int{137000}, want: whatsapp.GiveUp},
		"calling_flows_groups":                    {status: 400, codes: []int{138000, 138012, 139000, 139100, 131200, 131215}, want: whatsapp.GiveUp},
		"unknown":                                 {status: 400, codes: []int{99, 199, 300, 131199, 131300, 999999, -1}, want: whatsapp.GiveUp},
		"unknown_with_server_error":               {status: 500, codes: []int{99}, want: whatsapp.HoldNumber},
		"unknown_with_too_many_requests":          {status: 429, codes: []int{99}, want: whatsapp.HoldNumber},
		"unknown_with_forbidden":                  {status: 403, codes: []int{99}, want: whatsapp.HoldForOperator},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, code := range tt.codes {
				c := newClientOf(t, tt.status, fmt.Sprintf(
					`{"error":{"message":"(#%d) Something","type":"OAuthException","code":%[1]d,"error_data":{"messaging_product":"whatsapp","details":"Why."},"fbtrace_id":"A1"}}`, code))
				_, err := c.Send(t.Context(), newMessage())
				got := asRefusal(t, err)
				if got.Reaction != tt.want || got.Code != code || got.HTTPStatus != tt.status {
					t.Errorf("refusal = %+v, want reaction %d, code %d, status %d", got, tt.want, code, tt.status)
				}
				if want := fmt.Sprintf("(#%d) Something; Why.; trace A1", code); got.Detail != want {
					t.Errorf("code %d: detail = %q, want %q", code, got.Detail, want)
				}
			}
		})
	}
}

func TestClient_Send_RefusalFromBody(t *testing.T) {
	t.Parallel()
	const notGraphAPI = "the response is not from the Graph API; check its base URL"
	tests := map[string]struct {
		status int
		body   string
		want   whatsapp.Refusal
	}{
		"code_is_a_string": {
			status: 400,
			body:   `{"error":{"code":"131056"}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.DelayPerson, Code: 131056},
		},
		"code_is_missing": {
			status: 400,
			body:   `{"error":{"message":"No."}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Detail: notGraphAPI},
		},
		"code_is_missing_and_status_is_unauthorized": {
			status: 401,
			body:   `{"error":{"message":"No."}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Detail: notGraphAPI},
		},
		"code_of_unexpected_type": {
			status: 429,
			body:   `{"error":{"code":[190],"message":"No."}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldNumber, Detail: notGraphAPI},
		},
		"message_of_unexpected_type": {
			status: 400,
			body:   `{"error":{"message":{"a":1},"code":131047}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.GiveUp, Code: 131047},
		},
		"data_of_unexpected_type": {
			status: 400,
			body:   `{"error":{"error_data":"x","code":190}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Code: 190},
		},
		"unknown_code_is_transient": {
			status: 400,
			body:   `{"error":{"code":99,"is_transient":true}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldNumber, Code: 99},
		},
		"error_is_empty": {
			status: 400,
			body:   `{"error":{}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Detail: notGraphAPI},
		},
		"error_with_status_200": {
			status: 200,
			body:   `{"error":{"code":131026}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.GiveUp, Code: 131026},
		},
		"expired_token": {
			status: 401,
			body:   `{"error":{"message":"Session has expired","code":190,"error_subcode":463}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Code: 190, Detail: "Session has expired; subcode 463"},
		},
		"no_access_to_the_phone_number_id": {
			status: 400,
			body:   `{"error":{"message":"Unsupported post request.","code":100,"error_subcode":33}}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Code: 100, Detail: "Unsupported post request.; subcode 33"},
		},
		"html_page": {
			status: 404,
			body:   `<html>`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Detail: notGraphAPI},
		},
		"html_page_with_too_many_requests": {
			status: 429,
			body:   `<html>`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldNumber, Detail: notGraphAPI},
		},
		"error_is_a_string": {
			status: 400,
			body:   `{"error":"no"}`,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Detail: notGraphAPI},
		},
		"redirect": {
			status: 302,
			body:   ``,
			want:   whatsapp.Refusal{Reaction: whatsapp.HoldForOperator, Detail: notGraphAPI},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClientOf(t, tt.status, tt.body).Send(t.Context(), newMessage())
			tt.want.HTTPStatus = tt.status
			if got := asRefusal(t, err); *got != tt.want {
				t.Errorf("refusal = %+v\nwant      %+v", *got, tt.want)
			}
		})
	}
}

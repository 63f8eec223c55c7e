package handler_test

import (
	"net/http"
	"testing"

	"aisha/internal/handler"
	"aisha/internal/service/whatsapp"
)

func TestReadinessTellsWhetherAnswersGoOut(t *testing.T) {
	t.Parallel()
	waiting, stopped := whatsapp.Gate{PhoneNumberID: "1"}, whatsapp.Gate{PhoneNumberID: "2", Stopped: true}
	for want, closed := range map[string][]whatsapp.Gate{
		"open":    nil,
		"waiting": {waiting},
		"stopped": {waiting, stopped, waiting},
	} {
		api := newAPI(func(o *handler.Options) {
			service := o.WhatsApp.(webhook)
			service.closed = closed
			o.WhatsApp = service
		})
		got := call(t, api, get("/readyz"))
		if got.status != http.StatusOK || got.body != `{"status":"success","data":{"state":"ready","sending":"`+want+`"}}` {
			t.Errorf("%s: got %d %s", want, got.status, got.body)
		}
	}
}

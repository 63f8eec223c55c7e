package simulator

import (
	"fmt"
	"testing"
)

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("keeps_only_the_latest", func(t *testing.T) {
		t.Parallel()
		r := newFixture(t, &fakeService{})
		for i := range maxMessages + 5 {
			r.store.addInbound(wanjiru, "text", object{"text": object{"body": fmt.Sprint(i)}})
		}
		for range maxExchanges + 5 {
			r.store.beginExchange(exchange{Kind: kindGraph})
		}
		ledger := r.Ledger()
		if len(ledger.Inbound) != maxMessages || ledger.Inbound[0].Text != "5" || ledger.Counts.Inbound != maxMessages+5 {
			t.Errorf("ledger has %d messages from %q on and counts %+v, want %d messages from \"5\" on", len(ledger.Inbound), ledger.Inbound[0].Text, ledger.Counts, maxMessages)
		}
		if len(r.store.exchanges) != maxExchanges {
			t.Errorf("%d exchanges are stored, want %d", len(r.store.exchanges), maxExchanges)
		}
	})
}

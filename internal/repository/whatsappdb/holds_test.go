package whatsappdb_test

import (
	"sync"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/service/whatsapp"
)

func TestOutbox_Refuse_BeginsHold(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	first, second, third := o.newPart(), o.newPart(), o.newPart()
	first, second = o.mustBegin(first), o.mustBegin(second)

	if got := o.refuse(first, whatsapp.HoldNumber, 130429); !got.HoldBegan || got.Wait < 5*time.Second || got.GivenUp {
		t.Errorf("first refusal: got %+v, want a hold of at least 5s", got)
	}
	before := o.hold()
	if before.PhoneNumberID != "N" || before.NeedsOperator {
		t.Errorf("hold: got %+v, want a temporary one of the number N", before)
	}
	if before.ErrorCode != 130429 || before.Reason == "" {
		t.Errorf("hold: got code %d with reason %q, want 130429 with a reason", before.ErrorCode, before.Reason)
	}
	if before.HoldsInRow != 1 || before.RetryIn <= 0 {
		t.Errorf("hold: got %d in a row, retry in %v, want 1 and a retry later", before.HoldsInRow, before.RetryIn)
	}
	if o.refuse(second, whatsapp.HoldNumber, 4).HoldBegan {
		t.Error("refusal during the hold: got that a hold began, want that none did")
	}
	if after := o.hold(); after.HoldsInRow != 1 || after.ErrorCode != 130429 {
		t.Errorf("hold after the second refusal: got %+v, want %+v", after, before)
	}
	if _, wait := o.begin(third); wait < 4*time.Second || wait > 7*time.Second {
		t.Errorf("delay of another person: got %v, want 4s to 7s", wait)
	}
	third.PhoneNumberID = "another"
	o.mustBegin(third)
	if got := testdb.QueryInt(t, o.pool, `
		SELECT count(*) FROM answer_part WHERE delivery = 'unsent' AND not_before IS NULL AND refusals = 0`); got != 2 {
		t.Errorf("unsent parts without a back-off of their own: got %d, want 2", got)
	}
}

func TestOutbox_Refuse_ConcurrentRefusalsBeginOneHold(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	const persons = 10
	var parts []whatsapp.AnswerPart
	for range persons {
		parts = append(parts, o.sendingPart())
	}
	var group sync.WaitGroup
	began := make(chan struct{}, persons)
	for _, part := range parts {
		group.Go(func() {
			if o.refuse(part, whatsapp.HoldForOperator, 190).HoldBegan {
				began <- struct{}{}
			}
		})
	}
	group.Wait()
	if len(began) != 1 {
		t.Errorf("refusals that began a hold: got %d, want 1", len(began))
	}
	if got := o.hold().HoldsInRow; got != 1 {
		t.Errorf("holds in a row: got %d, want 1", got)
	}
}

func TestOutbox_Refuse_TemporaryHoldBecomesOneForTheOperator(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	first, second := o.sendingPart(), o.sendingPart()
	o.refuse(first, whatsapp.HoldNumber, 4)
	if !o.refuse(second, whatsapp.HoldForOperator, 190).HoldBegan {
		t.Error("HoldBegan: got false, want true, so that the operator is alerted")
	}
	if got := o.hold(); !got.NeedsOperator || got.ErrorCode != 190 || got.HoldsInRow != 1 {
		t.Errorf("hold: got %+v, want one that needs an operator, with code 190, 1 in a row", got)
	}
}

func TestOutbox_BeginSend_OnlyOnePartBecomesTheProbe(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	o.refuse(o.sendingPart(), whatsapp.HoldForOperator, 190)
	o.endWait()

	const persons = 8
	var mu sync.Mutex
	var probes []whatsapp.AnswerPart
	var group sync.WaitGroup
	for range persons {
		part := o.newPart()
		group.Go(func() {
			begun, wait := o.begin(part)
			mu.Lock()
			defer mu.Unlock()
			if wait == 0 {
				probes = append(probes, begun)
			} else if wait > 10*time.Second {
				t.Errorf("delay of a part during the probe: got %v, want at most 10s", wait)
			}
		})
	}
	group.Wait()
	if len(probes) != 1 {
		t.Fatalf("probes: got %d, want 1", len(probes))
	}
	if !o.accept(probes[0], "w1") {
		t.Error("hold ended by the accepted probe: got false, want true")
	}
	if got := o.hold(); got.HoldsInRow != 0 {
		t.Errorf("hold after the accepted probe: got %+v, want none", got)
	}
	if o.accept(o.sendingPart(), "w2") {
		t.Error("hold ended without a hold: got true, want false")
	}
}

func TestOutbox_Refuse_RefusedProbeExtendsHold(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	parts := newParts(t, o.pool, 2)
	probe, earlier := o.mustBegin(parts[0]), o.mustBegin(parts[1])
	o.refuse(probe, whatsapp.HoldForOperator, 190)
	for holds := 2; holds <= 7; holds++ {
		o.endWait()
		probe.Delivery = whatsapp.Unsent
		probe = o.mustBegin(probe)
		if o.refuse(probe, whatsapp.HoldForOperator, 190).HoldBegan {
			t.Errorf("hold %d in a row: got that it began, want that it goes on", holds)
		}
		got, least := o.hold(), min(30*time.Second<<(holds-1), 5*time.Minute)
		if got.HoldsInRow != holds {
			t.Errorf("holds in a row: got %d, want %d", got.HoldsInRow, holds)
		}
		if got.RetryIn < least-time.Second || got.RetryIn > least+least/4 {
			t.Errorf("retry after hold %d: got %v, want %v and up to a quarter more", holds, got.RetryIn, least)
		}
	}
	if o.accept(earlier, "w") {
		t.Error("hold ended by a send from before it: got true, want false")
	}
	if o.hold().HoldsInRow == 0 {
		t.Error("hold after a send from before it: got none, want one")
	}
}

func TestOutbox_BeginSend_NextProbeAfterTheLease(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	o.refuse(o.sendingPart(), whatsapp.HoldNumber, 4)
	o.endWait()
	unknown := o.sendingPart()
	next := o.newPart()
	if _, wait := o.begin(next); wait == 0 {
		t.Fatal("delay during a probe: got 0, want more, because only one part is the probe")
	}
	o.endWait()
	next = o.mustBegin(next)
	if o.accept(unknown, "w1") {
		t.Error("hold ended by a part whose lease ended: got true, want false")
	}
	if !o.accept(next, "w2") {
		t.Error("hold ended by the next probe: got false, want true")
	}
}

func TestOutbox_Refuse_ProbeRefusedForItselfEndsHold(t *testing.T) {
	t.Parallel()
	o := newOutboxTest(t)
	o.refuse(o.sendingPart(), whatsapp.HoldNumber, 4)
	o.endWait()
	if got := o.refuse(o.sendingPart(), whatsapp.GiveUp, 131047); !got.GivenUp {
		t.Errorf("outcome: got %+v, want given up", got)
	}
	if got := o.hold(); got.HoldsInRow != 0 {
		t.Errorf("hold: got %+v, want none", got)
	}
}

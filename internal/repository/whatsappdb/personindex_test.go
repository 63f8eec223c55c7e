package whatsappdb

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp/webhook"
)

func newIdentity(bsuid, waID string) webhook.Identity {
	return webhook.Identity{BSUID: bsuid, WaID: sensitive.NewPhone(waID)}
}

func TestPersonIndex_Find(t *testing.T) {
	t.Parallel()
	index := newPersonIndex()
	index.add(person{id: 1, bsuid: "KE.1", waID: "254700000001"})
	index.add(person{id: 2, waID: "254700000002"})
	for name, tt := range map[string]struct {
		identity webhook.Identity
		want     int64 // 0: not found
	}{
		"by_user_id":                     {newIdentity("KE.1", ""), 1},
		"by_user_id_in_other_case":       {newIdentity("ke.1", ""), 1},
		"by_number":                      {newIdentity("", "254700000001"), 1},
		"user_id_comes_before_number":    {newIdentity("KE.1", "254700000002"), 1},
		"new_user_id_of_a_known_number":  {newIdentity("KE.2", "254700000002"), 2},
		"number_of_another_user_id":      {newIdentity("KE.9", "254700000001"), 0},
		"unknown":                        {newIdentity("KE.9", "254700000009"), 0},
		"no_identifier_matches_no_empty": {newIdentity("", ""), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, found := index.find(tt.identity)
			if got.id != tt.want || found != (tt.want != 0) {
				t.Errorf("find: got person %d, found %t, want person %d", got.id, found, tt.want)
			}
		})
	}
}

func TestPersonIndex_OtherOwner(t *testing.T) {
	t.Parallel()
	index := newPersonIndex()
	former := person{id: 1, bsuid: "KE.1", waID: "254700000001"}
	index.add(former)
	index.add(person{id: 2, bsuid: "KE.2", waID: "254700000002"})
	writer := person{id: 3, bsuid: "KE.3"}
	if got, other := index.otherOwner(writer, newIdentity("KE.3", "254700000001")); !other || got.id != 1 {
		t.Errorf("number of person 1: got person %d, %t, want person 1", got.id, other)
	}
	if got, other := index.otherOwner(former, newIdentity("KE.1", "254700000001")); other {
		t.Errorf("number of the person: got other owner %d, want none", got.id)
	}
	index.add(person{id: 1, bsuid: "KE.1", waID: "254700000009"}) // wrote from a new number in this batch
	if got, other := index.otherOwner(writer, newIdentity("KE.3", "254700000001")); other {
		t.Errorf("former number of person 1: got other owner %d, want none", got.id)
	}
}

func TestPersonIndex_Unknown(t *testing.T) {
	t.Parallel()
	index := newPersonIndex()
	index.add(person{id: 1, bsuid: "KE.1", waID: "254700000001"})
	var sightings []sighting
	for _, identity := range []webhook.Identity{
		newIdentity("KE.1", ""),
		newIdentity("ke.1", ""),
		newIdentity("KE.2", "254700000002"),
		newIdentity("", "254700000002"), // shares the number with the one before
		newIdentity("", "254700000003"),
		newIdentity("KE.4", "254700000001"), // the number belongs to a known person
	} {
		sightings = append(sightings, sighting{Identity: identity})
	}
	var got []string
	for _, identity := range index.unknown(sightings) {
		got = append(got, identity.BSUID+"/"+identity.WaID.Reveal())
	}
	slices.Sort(got)
	want := []string{"/254700000003", "KE.2/254700000002"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
}

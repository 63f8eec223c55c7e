package repository_test

import (
	"fmt"
	"sync"
	"testing"

	"aisha/internal/repository"
	"aisha/internal/sensitive"
	"aisha/internal/service/waitlist"
)

func signUp(name, phone string) waitlist.Person {
	return waitlist.Person{Username: sensitive.NewText(name), PhoneNumber: sensitive.NewPhone(phone)}
}

func TestADuplicateGetsTheSameIDAndChangesNothing(t *testing.T) {
	t.Parallel()
	pool := open(t)
	list := repository.NewWaitingList(pool)

	first, err := list.Add(t.Context(), signUp("John", "+254712345678"))
	if err != nil || first.ID != 1 {
		t.Fatalf("got %v, %v; want id 1", first, err)
	}
	again, err := list.Add(t.Context(), signUp("Somebody else", "+254712345678"))
	if err != nil || again != first {
		t.Fatalf("got %v, %v; want %v again", again, err, first)
	}
	if n := count(t, pool, `SELECT count(*) FROM waiting_list WHERE username = 'John'`); n != 1 {
		t.Error("what was stored has changed")
	}
}

func TestTheFirstOfConcurrentDuplicatesIsStored(t *testing.T) {
	t.Parallel()
	pool := open(t)
	list := repository.NewWaitingList(pool)
	release := stall(t, pool, "waiting_list")

	var group sync.WaitGroup
	add := func(name, phone string, want int64) {
		group.Go(func() {
			if entry, err := list.Add(t.Context(), signUp(name, phone)); err != nil || entry.ID != want {
				t.Errorf("%s got %v, %v; want id %d", name, entry, err, want)
			}
		})
	}
	add("Somebody", "+254700000000", 1)
	await(t, "the first commit stalls", stalled(t, pool))
	for k, name := range []string{"John", "Somebody else", "And another"} {
		add(name, "+254712345678", 2)
		await(t, "they wait in this order", func() bool { return list.Waiting() == k+1 })
	}
	release()
	group.Wait()
	if n := count(t, pool, `SELECT count(*) FROM waiting_list WHERE username = 'John' AND id = 2`); n != 1 {
		t.Error("the name that came first is not the one that is stored")
	}
}

// The same numbers come to two instances in different orders.
func TestConcurrentDuplicatesUseUpNoID(t *testing.T) {
	t.Parallel()
	const numbers, callers = 20, 500
	pool := open(t)
	instances := []*repository.WaitingList{repository.NewWaitingList(pool), repository.NewWaitingList(pool)}

	var group sync.WaitGroup
	for c := range callers {
		group.Go(func() {
			number := fmt.Sprintf("+2547120000%02d", c*7%numbers)
			if _, err := instances[c%len(instances)].Add(t.Context(), signUp("x", number)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if highest := count(t, pool, `SELECT max(id) FROM waiting_list`); highest != numbers {
		t.Errorf("the highest of %d ids is %d", numbers, highest)
	}
	if next := count(t, pool, `SELECT nextval(pg_get_serial_sequence('waiting_list', 'id'))`); next != numbers+1 {
		t.Errorf("the next id is %d", next)
	}
}

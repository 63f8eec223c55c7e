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

func TestConcurrentDuplicatesUseUpNoID(t *testing.T) {
	t.Parallel()
	const numbers, each = 20, 8
	pool := open(t)
	list := repository.NewWaitingList(pool)

	var group sync.WaitGroup
	for n := range numbers {
		for range each {
			group.Go(func() {
				if _, err := list.Add(t.Context(), signUp("x", fmt.Sprintf("+2547120000%02d", n))); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	if highest := count(t, pool, `SELECT max(id) FROM waiting_list`); highest != numbers {
		t.Errorf("the highest of %d ids is %d", numbers, highest)
	}
}

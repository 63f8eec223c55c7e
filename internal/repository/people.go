package repository

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// resolvePeople returns the id of each person, in the order given, and stores
// who is new or has a new alias. Known persons cost one read for all of them
// and no write.
func resolvePeople(ctx context.Context, tx pgx.Tx, who []whatsapp.Identity) ([]int64, error) {
	if len(who) == 0 {
		return nil, nil
	}
	known, err := findPeople(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(who))
	for k, one := range who {
		person, err := known.resolve(ctx, tx, one)
		if err != nil {
			return nil, err
		}
		ids[k] = person.id
	}
	// A merge may have given an earlier message's sender another id.
	for k, one := range who {
		if person, found := known.find(one); found {
			ids[k] = person.id
		}
	}
	return ids, nil
}

func (p people) resolve(ctx context.Context, tx pgx.Tx, who whatsapp.Identity) (person, error) {
	found, known := p.find(who)
	if other, two := p.other(found, who); two {
		if err := mergePeople(ctx, tx, found.id, other.id); err != nil {
			return person{}, err
		}
		p.forget(other)
	}
	if known && !found.lacks(who) {
		return found, nil
	}
	saved, err := savePerson(ctx, tx, found, who)
	if err != nil {
		return person{}, err
	}
	p.add(saved)
	return saved, nil
}

type person struct {
	id            int64
	userID, phone string
}

// lacks reports whether the webhook tells an alias that we do not know yet.
// One that differs from ours is a change of number, which Meta announces.
func (p person) lacks(who whatsapp.Identity) bool {
	return p.userID == "" && who.UserID != "" || p.phone == "" && !who.Phone.IsZero()
}

// people are persons by either of their names.
type people struct{ byUserID, byPhone map[string]person }

func (p people) find(who whatsapp.Identity) (person, bool) {
	if found, ok := p.byUserID[who.UserID]; ok {
		return found, true
	}
	found, ok := p.byPhone[who.Phone.Reveal()]
	return found, ok
}

// other is the second person where a user id and a number that were thought to
// be two persons' turn out to be one's, and the first has no number yet. Where
// the first has another number, the number has changed hands and stays theirs.
func (p people) other(one person, who whatsapp.Identity) (person, bool) {
	other, found := p.byPhone[who.Phone.Reveal()]
	return other, found && other.id != one.id && one.phone == "" && other.userID == ""
}

func (p people) forget(one person) {
	delete(p.byUserID, one.userID)
	delete(p.byPhone, one.phone)
}

func (p people) add(one person) {
	if one.userID != "" {
		p.byUserID[one.userID] = one
	}
	if one.phone != "" {
		p.byPhone[one.phone] = one
	}
}

func findPeople(ctx context.Context, tx pgx.Tx, who []whatsapp.Identity) (people, error) {
	userIDs, phones := make([]string, 0, len(who)), make([]string, 0, len(who))
	for _, one := range who {
		if one.UserID != "" {
			userIDs = append(userIDs, one.UserID)
		}
		if !one.Phone.IsZero() {
			phones = append(phones, one.Phone.Reveal())
		}
	}
	rows, err := tx.Query(ctx, `
		SELECT id, coalesce(user_id, ''), coalesce(phone, '')
		FROM person
		WHERE user_id = ANY ($1) OR phone = ANY ($2)`, userIDs, phones)
	if err != nil {
		return people{}, fmt.Errorf("look up persons: %w", err)
	}
	known := people{byUserID: make(map[string]person), byPhone: make(map[string]person)}
	var one person
	_, err = pgx.ForEachRow(rows, []any{&one.id, &one.userID, &one.phone}, func() error {
		known.add(one)
		return nil
	})
	if err != nil {
		return people{}, fmt.Errorf("look up persons: %w", err)
	}
	return known, nil
}

// savePerson stores a new person, or what a known one lacks. An alias that
// belongs to somebody else stays theirs.
func savePerson(ctx context.Context, tx pgx.Tx, known person, who whatsapp.Identity) (person, error) {
	saved := known
	if saved.userID == "" {
		saved.userID = who.UserID
	}
	if saved.phone == "" {
		saved.phone = who.Phone.Reveal()
	}
	if known.id == 0 {
		err := tx.QueryRow(ctx, `
			INSERT INTO person (user_id, phone, name)
			VALUES (nullif($1, ''), nullif($2, ''), $3)
			ON CONFLICT DO NOTHING
			RETURNING id`,
			saved.userID, saved.phone, who.Name.Reveal()).Scan(&saved.id)
		if errors.Is(err, pgx.ErrNoRows) {
			// Another webhook stored them since we looked: look again.
			return person{}, errRace
		}
		if err != nil {
			return person{}, fmt.Errorf("store a person: %w", err)
		}
		return saved, nil
	}
	tag, err := tx.Exec(ctx, `
		UPDATE person SET user_id = nullif($2, ''), phone = nullif($3, '')
		WHERE id = $1 AND NOT EXISTS (
			SELECT FROM person AS other
			WHERE other.id <> $1 AND (other.user_id = $2 OR other.phone = $3))`,
		known.id, saved.userID, saved.phone)
	if err != nil {
		return person{}, fmt.Errorf("store a person's alias: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return known, nil
	}
	return saved, nil
}

// errRace makes inTx run the transaction again.
var errRace = errors.New("a concurrent webhook stored the same person")

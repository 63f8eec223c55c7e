package repository

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/service/whatsapp"
)

// resolvePeople returns the id of each person, in the order given, and stores
// who is new or has a new alias. Known persons cost one read for all of them
// and no write, and new ones one write.
func resolvePeople(ctx context.Context, tx *pipeline, who []whatsapp.Identity) ([]int64, error) {
	if len(who) == 0 {
		return nil, nil
	}
	known, err := findPeople(ctx, tx, who)
	if err != nil {
		return nil, err
	}
	// Everybody stores persons in the same order, so that two webhooks about the
	// same new ones wait for each other and cannot deadlock.
	order := slices.SortedFunc(slices.Values(who), func(a, b whatsapp.Identity) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Phone.Reveal(), b.Phone.Reveal()))
	})
	if err := known.insert(ctx, tx, known.strangers(order)); err != nil {
		return nil, err
	}
	for _, one := range order {
		if _, err := known.resolve(ctx, tx, one); err != nil {
			return nil, err
		}
	}
	ids := make([]int64, len(who))
	for k, one := range who {
		person, found := known.find(one)
		if !found {
			return nil, errRace // given away within this batch; the next try knows better
		}
		ids[k] = person.id
	}
	return ids, nil
}

// strangers are those of whom neither name is known, nor shared with another of
// them: whoever shares one may be the same person.
func (p people) strangers(who []whatsapp.Identity) []whatsapp.Identity {
	var strangers []whatsapp.Identity
	seen := people{byUserID: make(map[string]person), byPhone: make(map[string]person)}
	for _, one := range who {
		if p.knows(one) || seen.knows(one) {
			continue
		}
		seen.add(person{userID: one.UserID, phone: one.Phone.Reveal()})
		strangers = append(strangers, one)
	}
	return strangers
}

// knows reports whether either name is somebody's.
func (p people) knows(who whatsapp.Identity) bool {
	_, byUserID := p.byUserID[who.UserID]
	_, byPhone := p.byPhone[who.Phone.Reveal()]
	return byUserID || byPhone
}

// insert stores persons of whom nothing is known, all at once.
func (p people) insert(ctx context.Context, tx *pipeline, who []whatsapp.Identity) error {
	n := len(who)
	if n == 0 {
		return nil
	}
	userIDs, phones, names := make([]string, n), make([]string, n), make([]string, n)
	for k, one := range who {
		userIDs[k], phones[k], names[k] = one.UserID, one.Phone.Reveal(), one.Name.Reveal()
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO person (user_id, phone, name)
		SELECT nullif(user_id, ''), nullif(phone, ''), name
		FROM unnest($1::text[], $2::text[], $3::text[]) AS new (user_id, phone, name)
		ON CONFLICT DO NOTHING
		RETURNING id, coalesce(user_id, ''), coalesce(phone, '')`, userIDs, phones, names)
	if err == nil {
		err = p.collect(rows)
	}
	if err != nil {
		return fmt.Errorf("store persons: %w", err)
	}
	for _, one := range who {
		if !p.knows(one) {
			return errRace // another webhook stored them since we looked
		}
	}
	return nil
}

func (p people) resolve(ctx context.Context, tx *pipeline, who whatsapp.Identity) (person, error) {
	found, known := p.find(who)
	if known && !found.lacks(who) {
		return found, nil
	}
	if other, two := p.other(found, who); two {
		if !tx.alone {
			return person{}, errNotAlone
		}
		if err := p.settle(ctx, tx, found, other); err != nil {
			return person{}, err
		}
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

// lacks reports whether the webhook tells a name that we do not know yet.
func (p person) lacks(who whatsapp.Identity) bool {
	return p.userID == "" && who.UserID != "" || !who.Phone.IsZero() && p.phone != who.Phone.Reveal()
}

// people are persons by either of their names.
type people struct{ byUserID, byPhone map[string]person }

// find looks for a person by their user id and else by their number. A number
// that is known as somebody else's has changed hands.
func (p people) find(who whatsapp.Identity) (person, bool) {
	if found, ok := p.byUserID[who.UserID]; ok {
		return found, true
	}
	found, ok := p.byPhone[who.Phone.Reveal()]
	if ok && who.UserID != "" && found.userID != "" {
		return person{}, false
	}
	return found, ok
}

// other is whom else the number of one is known to belong to.
func (p people) other(one person, who whatsapp.Identity) (person, bool) {
	other, found := p.byPhone[who.Phone.Reveal()]
	if now, known := p.byUserID[other.userID]; known && now.phone != other.phone {
		return person{}, false // given away within this batch; what came from it before that stays theirs
	}
	return other, found && other.id != one.id
}

// settle makes a number free for the person who writes from it: somebody known
// by it alone is the same person, and somebody with a user id of their own has
// given it away.
func (p people) settle(ctx context.Context, tx *pipeline, one, other person) error {
	p.forget(other)
	if one.id != 0 && other.userID == "" {
		return mergePeople(ctx, tx, one.id, other.id)
	}
	if _, err := tx.Exec(ctx, `UPDATE person SET phone = NULL WHERE id = $1`, other.id); err != nil {
		return fmt.Errorf("take a number from a person: %w", err)
	}
	other.phone = ""
	p.add(other)
	return nil
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

// findPeople looks up persons. Where the transaction is alone it may change who
// they are, so it locks them: answers write to persons too.
func findPeople(ctx context.Context, tx *pipeline, who []whatsapp.Identity) (people, error) {
	userIDs, phones := make([]string, 0, len(who)), make([]string, 0, len(who))
	for _, one := range who {
		if one.UserID != "" {
			userIDs = append(userIDs, one.UserID)
		}
		if !one.Phone.IsZero() {
			phones = append(phones, one.Phone.Reveal())
		}
	}
	find := `
		SELECT id, coalesce(user_id, ''), coalesce(phone, '')
		FROM person
		WHERE user_id = ANY ($1) OR phone = ANY ($2)`
	if tx.alone {
		find += ` ORDER BY id FOR UPDATE`
	}
	known := people{byUserID: make(map[string]person), byPhone: make(map[string]person)}
	batch := &pgx.Batch{}
	batch.Queue(find, userIDs, phones).Query(known.collect)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return people{}, fmt.Errorf("look up persons: %w", err)
	}
	return known, nil
}

// keepPeople makes sure that nobody deletes a person before the transaction
// ends, because neither messages nor answers have a foreign key. One lock does it
// for all persons: a lock on each row would write to the row, and a busy webhook's
// rows lie on as many pages. Many can share it, and whoever is about to make one person of two,
// or to delete one, must have it alone: see lockPeople.
func keepPeople(statements *pgx.Batch) {
	statements.Queue(`SELECT pg_advisory_xact_lock_shared($1, 0)`, peopleLocks)
}

// stepBack is how long others may store messages before lockPeople is tried
// again.
const stepBack = time.Second

// lockPeople keeps everybody else from storing messages until the transaction
// ends. Who wants to store one waits behind this, so it gives up each wait soon,
// be it for this lock or for a row: an instance that stands still may have them.
// Then it comes back after stepBack.
func lockPeople(statements *pgx.Batch) {
	statements.Queue(`SET LOCAL lock_timeout = '500ms'`)
	statements.Queue(`SELECT pg_advisory_xact_lock($1, 0)`, peopleLocks)
}

// collect adds the persons in the rows.
func (p people) collect(rows pgx.Rows) error {
	var one person
	_, err := pgx.ForEachRow(rows, []any{&one.id, &one.userID, &one.phone}, func() error {
		p.add(one)
		return nil
	})
	return err
}

// savePerson stores a new person, or the names that a known one lacks. Their
// number may have changed; who writes from it has it now.
func savePerson(ctx context.Context, tx *pipeline, known person, who whatsapp.Identity) (person, error) {
	saved := known
	if saved.userID == "" {
		saved.userID = who.UserID
	}
	if !who.Phone.IsZero() {
		saved.phone = who.Phone.Reveal()
	}
	if known.id != 0 {
		tag, err := tx.Exec(ctx, `
			UPDATE person SET user_id = nullif($2, ''), phone = nullif($3, '')
			WHERE id = $1 AND ($4 OR coalesce(user_id, '') = $5 AND coalesce(phone, '') = $6)`,
			known.id, saved.userID, saved.phone, tx.alone, known.userID, known.phone)
		if err != nil {
			return person{}, fmt.Errorf("store a person's names: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return person{}, errRace // they have others since we looked
		}
		return saved, nil
	}
	err := tx.QueryRow(ctx, `
		INSERT INTO person (user_id, phone, name)
		VALUES (nullif($1, ''), nullif($2, ''), $3)
		ON CONFLICT DO NOTHING
		RETURNING id`,
		saved.userID, saved.phone, who.Name.Reveal()).Scan(&saved.id)
	if errors.Is(err, pgx.ErrNoRows) {
		return person{}, errRace // another webhook stored them since we looked
	}
	if err != nil {
		return person{}, fmt.Errorf("store a person: %w", err)
	}
	return saved, nil
}

var (
	// errRace makes inTx and inPipeline run the transaction again.
	errRace = errors.New("a concurrent webhook stored the same person")
	// errNotAlone is returned where only one that is alone may go on.
	errNotAlone = errors.New("two persons are one, or a number has changed hands")
)

package whatsapp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

type inbox struct {
	batches []Batch
	err     error
	refuse  func(Batch) error // nil: err
}

func (i *inbox) Store(_ context.Context, b Batch) error {
	i.batches = append(i.batches, b)
	if i.refuse != nil {
		return i.refuse(b)
	}
	return i.err
}

func (i *inbox) Kept(_ context.Context, before int64, limit int) ([]KeptItem, error) {
	return []KeptItem{{ID: before, Reason: fmt.Sprint(limit)}}, i.err
}

func TestKeptItemsAreListedByThePage(t *testing.T) {
	t.Parallel()
	s := New(Options{}, Rooms{Inbox: &inbox{}})
	for before, want := range map[int64]int64{0: math.MaxInt64, -1: math.MaxInt64, 7: 7} {
		items, err := s.Kept(t.Context(), before).Get()
		if err != nil || len(items) != 1 || items[0].ID != want || items[0].Reason != "50" {
			t.Errorf("before %d: got %+v, %v", before, items, err)
		}
	}
}

func TestReceive(t *testing.T) {
	t.Parallel()
	body := []byte(webhook(`{"from":"254712345678","id":"wamid.A","type":"text","text":{"body":"x"}}`, ``))
	secret := []sensitive.Secret{sensitive.NewSecret("s")}
	tests := map[string]struct {
		secrets   []sensitive.Secret
		signature string
		storeErr  error
		want      fault.Kind
		stored    int
	}{
		"stores what is signed":               {secret, sign("s", body), nil, 0, 1},
		"refuses what is not":                 {secret, sign("x", body), nil, fault.Forbidden, 0},
		"takes nothing without a secret":      {nil, sign("", body), nil, fault.NotConfigured, 0},
		"says so when it could not be stored": {secret, sign("s", body), fault.New(fault.Unavailable, "down"), fault.Unavailable, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &inbox{err: tt.storeErr}
			s := New(Options{AppSecrets: tt.secrets, Log: slog.New(slog.DiscardHandler)}, Rooms{Inbox: in})
			receipt, err := s.Receive(t.Context(), tt.signature, body).Get()
			if tt.want == 0 && (err != nil || receipt.Messages != 1) {
				t.Errorf("got %+v, %v", receipt, err)
			}
			if tt.want != 0 && !fault.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if len(in.batches) != tt.stored {
				t.Errorf("stored %d batches, want %d", len(in.batches), tt.stored)
			}
		})
	}
}

// One item that can never be stored must not keep out the others, nor come
// again for a week. Whatever else goes wrong may be mended, so Meta is to try again.
func TestOnlyWhatCanNeverBeStoredIsLeftOut(t *testing.T) {
	t.Parallel()
	never := fmt.Errorf("%w: %w", ErrUnstorable, errors.New("null character"))
	changed := errors.New("column message.sent_on does not exist")
	bad := func(b Batch) bool {
		return slices.ContainsFunc(b.Messages, func(m Message) bool { return m.WAMID == "bad" })
	}
	tests := map[string]struct {
		refuse func(Batch) error
		want   error
		kept   bool // as it came
	}{
		"one item": {func(b Batch) error {
			if bad(b) {
				return never
			}
			return nil
		}, nil, true},
		"anything, as the table has changed": {func(Batch) error { return changed }, changed, false},
		"the others, as the database goes away": {func(b Batch) error {
			if bad(b) {
				return never
			}
			return fault.New(fault.Unavailable, "down")
		}, fault.New(fault.Unavailable, "down"), false},
		"the others, as the table has changed meanwhile": {func(b Batch) error {
			if bad(b) {
				return never
			}
			return changed
		}, changed, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(webhook(`{"from":"254712345678","id":"bad","type":"text","text":{"body":"x"}},`+
				`{"from":"254712345678","id":"good","type":"text","text":{"body":"y"}}`, ``))
			in := &inbox{refuse: tt.refuse}
			s := New(Options{AppSecrets: []sensitive.Secret{sensitive.NewSecret("s")}, Log: slog.New(slog.DiscardHandler)}, Rooms{Inbox: in})
			s.hearing.Store(0)
			_, err := s.Receive(t.Context(), sign("s", body), body).Get()
			if (err == nil) != (tt.want == nil) || err != nil && err.Error() != tt.want.Error() {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			last := in.batches[len(in.batches)-1]
			if kept := len(last.Kept) == 1 && bytes.Equal(last.Kept[0].Raw, body); kept != tt.kept {
				t.Errorf("last stored was %+v", last)
			}
			if deaf := s.hearing.Load() != 0; deaf != (err != nil) {
				t.Errorf("it takes silence for news: %v", !deaf)
			}
		})
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	token := sensitive.NewSecret("T")
	tests := map[string]struct {
		token sensitive.Secret
		in    Subscription
		want  fault.Kind
	}{
		"confirms with the right token": {token, Subscription{"subscribe", "T", "1158201444"}, 0},
		"refuses a wrong token":         {token, Subscription{"subscribe", "t", "1"}, fault.Forbidden},
		"refuses another mode":          {token, Subscription{"unsubscribe", "T", "1"}, fault.Forbidden},
		"refuses an empty challenge":    {token, Subscription{"subscribe", "T", ""}, fault.Invalid},
		"is not configured":             {sensitive.Secret{}, Subscription{"subscribe", "", "1"}, fault.NotConfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			challenge, err := New(Options{VerifyToken: tt.token}, Rooms{}).Subscribe(tt.in).Get()
			if tt.want == 0 && (err != nil || challenge != tt.in.Challenge) {
				t.Errorf("got %q, %v", challenge, err)
			}
			if tt.want != 0 && !fault.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

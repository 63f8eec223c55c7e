package whatsapp

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"testing"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

type inbox struct {
	batches []Batch
	err     error
}

func (i *inbox) Store(_ context.Context, b Batch) error {
	i.batches = append(i.batches, b)
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

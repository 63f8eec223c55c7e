package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestFileBudget_acquire(t *testing.T) {
	t.Parallel()
	t.Run("waits_until_enough_bytes_are_released", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			budget := newFileBudget()
			release := mustAcquire(t, budget, maxFileBytesInFlight-10)
			small := mustAcquire(t, budget, 10)
			time.AfterFunc(10*time.Second, release)
			began := time.Now()
			mustAcquire(t, budget, 20)()
			small()
			if got, want := time.Since(began), 10*time.Second; got != want {
				t.Errorf("waited for %v, want %v", got, want)
			}
		})
	})
	t.Run("gives_up_after_a_while", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			budget := newFileBudget()
			defer mustAcquire(t, budget, maxFileBytesInFlight)()
			began := time.Now()
			if _, err := budget.acquire(t.Context(), 1); !errors.Is(err, errFileBudgetBusy) || time.Since(began) != fileBudgetWait {
				t.Errorf("acquire = %v after %v, want %v after %v", err, time.Since(began), errFileBudgetBusy, fileBudgetWait)
			}
		})
	})
	t.Run("ends_with_its_context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			budget := newFileBudget()
			defer mustAcquire(t, budget, maxFileBytesInFlight)()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := budget.acquire(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("acquire = %v, want %v", err, context.DeadlineExceeded)
			}
		})
	})
	t.Run("few_workers_wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			budget := newFileBudget()
			release := mustAcquire(t, budget, maxFileBytesInFlight)
			var acquired sync.WaitGroup
			for range maxFileBudgetWaiters {
				acquired.Go(func() { mustAcquire(t, budget, 1)() })
			}
			synctest.Wait()
			began := time.Now()
			if _, err := budget.acquire(t.Context(), 1); !errors.Is(err, errFileBudgetBusy) || time.Since(began) != 0 {
				t.Errorf("acquire = %v after %v, want %v at once", err, time.Since(began), errFileBudgetBusy)
			}
			release()
			acquired.Wait()
		})
	})
}

func mustAcquire(t *testing.T, budget *fileBudget, size int64) (release func()) {
	t.Helper()
	release, err := budget.acquire(t.Context(), size)
	if err != nil {
		t.Errorf("acquire of %d bytes = %v, want no error", size, err)
		return func() {}
	}
	return release
}

// Each of 64 workers has a question with two files of 5 MiB.
func TestService_AnswerPerson_BytesOfFilesInFlight(t *testing.T) {
	t.Parallel()
	const workers, fileSize = 64, 5 << 20
	var inFlight, most atomic.Int64
	shared := &fakes{}
	service := shared.service(Options{})
	synctest.Test(t, func(t *testing.T) {
		var done sync.WaitGroup
		for i := range workers {
			f := &fakes{fileSize: fileSize, due: Due{Messages: []UnansweredMessage{
				imageMessage("image/jpeg", "", time.Second), imageMessage("image/jpeg", fmt.Sprint(i), time.Second),
			}}}
			f.duringDownload = func() {
				most.Store(max(most.Load(), inFlight.Add(fileSize)))
				time.Sleep(100 * time.Millisecond)
			}
			f.duringCompletion = func(*fakes) {
				time.Sleep(3 * time.Second)
				inFlight.Add(-2 * fileSize)
			}
			one := f.service(Options{})
			one.fileBudget = service.fileBudget
			done.Go(func() {
				for len(f.sent) == 0 {
					next, err := one.AnswerPerson(t.Context(), int64(i), 0).Get()
					if err != nil {
						t.Errorf("AnswerPerson: got error %v, want none", err)
						return
					}
					time.Sleep(next.After)
				}
			})
		}
		done.Wait()
	})
	if got := most.Load(); got > maxFileBytesInFlight || got < maxFileBytesInFlight/2 {
		t.Errorf("at most %d bytes were in flight, want %d to %d", got, maxFileBytesInFlight/2, maxFileBytesInFlight)
	}
}

// A text needs no bytes, so it does not wait for the files of others.
func TestService_AnswerPerson_TextWhileTheFileBudgetIsUsedUp(t *testing.T) {
	t.Parallel()
	f := &fakes{due: Due{Messages: []UnansweredMessage{textMessage(1, "a", time.Minute)}}}
	service := f.service(Options{})
	defer mustAcquire(t, service.fileBudget, maxFileBytesInFlight)()
	answerPerson(t, service)
	if got, want := bodies(f.sent), "answer to a"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestService_AnswerPerson_FileBudgetIsReleased(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fakes{
		"after_an_answer":              {},
		"after_a_failure_of_the_model": {modelErr: temporary()},
		"after_an_unreadable_file":     {fileErr: ErrUnreadableFile},
		"after_a_failed_download":      {downloadErr: ErrNoMedia},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.due.Messages = []UnansweredMessage{imageMessage("image/jpeg", "look", time.Second)}
			service := f.service(Options{})
			_, _ = service.AnswerPerson(t.Context(), 7, 0).Get()
			if !service.fileBudget.bytes.TryAcquire(maxFileBytesInFlight) {
				t.Error("bytes are still taken, want none")
			}
		})
	}
}

func TestService_AnswerPerson_AfterInterruptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		interruptions int
		others        int64 // bytes of other questions in flight
		wantFiles     int
		wantBusy      bool
	}{
		"none":                       {0, maxFileBytesInFlight / 2, 1, false},
		"one_and_no_other_file":      {1, 0, 1, false},
		"one_beside_another_file":    {1, 1, 0, true},
		"two_beside_another_file":    {2, 1, 0, true},
		"files_are_left_out_at_last": {maxInterruptions, 1, 0, false},
		"and_stay_left_out":          {maxInterruptions + 5, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakes{due: Due{Messages: []UnansweredMessage{imageMessage("image/jpeg", "look", time.Second)}}}
				service := f.service(Options{})
				defer mustAcquire(t, service.fileBudget, tt.others)()
				next, err := service.AnswerPerson(t.Context(), 7, tt.interruptions).Get()
				if err != nil || next.After > 0 != tt.wantBusy {
					t.Fatalf("AnswerPerson = %v, %v; want a later try: %t", next, err, tt.wantBusy)
				}
				if tt.wantBusy {
					return
				}
				if got := len(f.questions[0].Files); got != tt.wantFiles {
					t.Errorf("asked with %d files, want %d", got, tt.wantFiles)
				}
				want := "answer to [image] look"
				if tt.wantFiles == 0 {
					want = noteFileUnopened + "\n\n" + want
				}
				if got := bodies(f.sent); got != want {
					t.Errorf("sent %q, want %q", got, want)
				}
			})
		})
	}
}

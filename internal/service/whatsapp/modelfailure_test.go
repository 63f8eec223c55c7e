package whatsapp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aisha/internal/fault"
)

// namedFailure is an error of a model that names its cause.
type namedFailure string

func (e namedFailure) Error() string  { return "cause: " + string(e) }
func (e namedFailure) Reason() string { return string(e) }

func permanent(reason string) error {
	return fault.Wrap(namedFailure(reason), fault.Upstream, "the model is not available")
}

func TestService_AnswerPerson_PermanentModelFailure(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err        error
		wantReason string // empty: the failure is not permanent
	}{
		"rejected_key":   {permanent("key_rejected"), "key_rejected"},
		"unnamed_cause":  {fault.New(fault.Upstream, "bad"), "upstream_error"},
		"invalid":        {fault.InvalidField("contents", fault.FieldRequired, "empty"), "invalid"},
		"bug":            {errors.New("bug"), "internal"},
		"overload":       {temporary(), ""},
		"timeout":        {fault.New(fault.UpstreamTimeout, "late"), ""},
		"not_configured": {fault.New(fault.NotConfigured, "no key"), ""},
		"refusal":        {fault.New(fault.Blocked, "no"), ""},
		"stop":           {context.Canceled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			var reasons []string
			f := &fakes{modelErr: tt.err, due: Due{Messages: []UnansweredMessage{textMessage(1, "a", time.Second)}}}
			_, _ = f.service(Options{
				Log:                 slog.New(slog.NewTextHandler(&log, nil)),
				ObserveModelFailure: func(reason string) { reasons = append(reasons, reason) },
			}).AnswerPerson(t.Context(), 7, 0).Get()
			var want []string
			if tt.wantReason != "" {
				want = []string{tt.wantReason}
			}
			if !slices.Equal(reasons, want) {
				t.Errorf("observed the reasons %q, want %q", reasons, want)
			}
			if got := countErrors(&log); got != len(want) {
				t.Errorf("logged %d errors, want %d:\n%s", got, len(want), log.String())
			}
			if tt.wantReason != "" && !strings.Contains(log.String(), "reason="+tt.wantReason) {
				t.Errorf("the log does not name the reason %q:\n%s", tt.wantReason, log.String())
			}
		})
	}
}

// In an outage every question fails. The log has one line per interval, and each
// person gets the apology.
func TestService_AnswerPerson_OutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := &fakes{modelErr: permanent("key_rejected")}
		service := f.service(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		for id := range int64(50) {
			f.due.Messages = []UnansweredMessage{textMessage(id, "a", permanentFailurePeriod+time.Second)}
			answerPerson(t, service)
		}
		if got, want := bodies(f.sent), strings.Repeat(DefaultApology+"|", 49)+DefaultApology; got != want {
			t.Errorf("sent %d messages, want 50 apologies", len(f.sent))
		}
		if got := countErrors(&log); got != 1 {
			t.Errorf("logged %d errors, want 1:\n%s", got, log.String())
		}
		f.modelErr = permanent("model_not_found")
		f.due.Messages = []UnansweredMessage{textMessage(51, "a", time.Hour)}
		answerPerson(t, service)
		if got := countErrors(&log); got != 2 {
			t.Errorf("logged %d errors after a failure for another reason, want 2:\n%s", got, log.String())
		}
		time.Sleep(modelAlarmInterval)
		f.modelErr = permanent("key_rejected")
		f.due.Messages = []UnansweredMessage{textMessage(52, "a", time.Hour)}
		answerPerson(t, service)
		if got := countErrors(&log); got != 3 || !strings.Contains(log.String(), "unreported=49") {
			t.Errorf("logged %d errors after the interval, want 3, the last with unreported=49:\n%s", got, log.String())
		}
	})
}

func TestService_AnswerPerson_ModelFailsDuringStop(t *testing.T) {
	t.Parallel()
	f := &fakes{modelErr: context.Canceled, due: Due{Messages: []UnansweredMessage{textMessage(1, "a", 13*time.Hour)}}}
	f.due.Messages[0].SentAgo = time.Second
	_, err := f.service(Options{ReplyWithin: 12 * time.Hour}).AnswerPerson(t.Context(), 7, 0).Get()
	if !errors.Is(err, context.Canceled) || len(f.sent) != 0 {
		t.Errorf("got error %v and %d messages, want %v and none", err, len(f.sent), context.Canceled)
	}
}

// A file that the model cannot open costs only itself.
func TestService_AnswerPerson_UnreadableFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		messages      []UnansweredMessage
		modelErr      error // without files
		want          string
		wantQuestions int
	}{
		"file_alone": {[]UnansweredMessage{documentMessage("application/pdf")}, nil, sentenceFileUnavailable, 1},
		"file_with_caption": {[]UnansweredMessage{imageMessage("image/jpeg", "what is this?", time.Second)}, nil,
			noteFileUnopened + "\n\nanswer to [image] what is this?", 2},
		"file_and_text": {[]UnansweredMessage{documentMessage("application/pdf"), textMessage(2, "saa ngapi?", time.Second)}, nil,
			noteFileUnopened + "\n\nanswer to [document a.pdf]\nsaa ngapi?", 2},
		"overload_without_the_file": {[]UnansweredMessage{imageMessage("image/jpeg", "look", time.Second)}, temporary(), "", 2},
		"refused_without_the_file":  {[]UnansweredMessage{imageMessage("image/jpeg", "look", time.Second)}, fault.New(fault.Blocked, "no"), DefaultApology, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused := errors.Join(ErrUnreadableFile, permanent("request_rejected"))
			f := &fakes{fileErr: refused, modelErr: tt.modelErr, due: Due{Messages: tt.messages}}
			_, err := f.service(Options{}).AnswerPerson(t.Context(), 7, 0).Get()
			if !errors.Is(err, tt.modelErr) && tt.want == "" {
				t.Errorf("got error %v, want %v", err, tt.modelErr)
			}
			if got := bodies(f.sent); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
			if got := len(f.questions); got != tt.wantQuestions {
				t.Errorf("asked the model %d times, want %d", got, tt.wantQuestions)
			}
			if last := f.questions[len(f.questions)-1]; tt.wantQuestions > 1 && len(last.Files) != 0 {
				t.Errorf("asked again with %d files, want none", len(last.Files))
			}
		})
	}
}

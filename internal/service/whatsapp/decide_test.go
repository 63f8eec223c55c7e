package whatsapp

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"aisha/internal/fault"
	"aisha/internal/sensitive"
)

// kenyan is a person with a number.
var kenyan = Identity{UserID: "KE.1", Phone: sensitive.NewPhone("254712345678")}

func TestAnswersThatNeedNoModel(t *testing.T) {
	t.Parallel()
	says := func(text string) []Waiting { return []Waiting{waiting(1, "text", text, time.Minute)} }
	late := []Waiting{waiting(1, "text", "Habari", 13*time.Hour)}
	closed := []Waiting{waiting(1, "text", "Habari", 25*time.Hour)}
	sticker := []Waiting{{ID: 1, Kind: "unsupported", Age: time.Minute}}
	revoked := []Waiting{{ID: 1, Kind: "text", Revoked: true, Text: sensitive.NewText("STOP")}}
	tests := map[string]struct {
		person  Person
		waiting []Waiting
		sent    string // empty: silence
		effect  Effect
	}{
		"STOP is confirmed":                         {Person{}, says("STOP"), sentenceOptedOut, OptOut},
		"acha is STOP":                              {Person{}, says(" Acha! "), sentenceOptedOut, OptOut},
		"STOP is confirmed once":                    {Person{OptedOut: true}, says("stop"), "", NoEffect},
		"who said STOP is left alone":               {Person{OptedOut: true}, says("Habari"), "", NoEffect},
		"START undoes it":                           {Person{OptedOut: true}, says("start"), sentenceOptedIn, OptIn},
		"anza undoes it":                            {Person{OptedOut: true}, says("Anza."), sentenceOptedIn, OptIn},
		"the newest command counts":                 {Person{OptedOut: true}, append(says("stop"), says("start")...), sentenceOptedIn, OptIn},
		"a person whom somebody of ours talks to":   {Person{Paused: true}, says("Habari"), "", NoEffect},
		"STOP counts while somebody talks to them":  {Person{Paused: true}, says("stop"), sentenceOptedOut, OptOut},
		"a machine is muted":                        {Person{Recent: MachineAnswers}, says("Habari"), "", Mute},
		"what waited too long is asked for again":   {Person{}, late, sentenceLate, NoEffect},
		"nothing is sent after the window":          {Person{}, closed, "", NoEffect},
		"joining is confirmed":                      {Person{Identity: kenyan}, says("JOIN"), sentenceJoined, NoEffect},
		"jiunge is joining":                         {Person{Identity: kenyan}, says("nataka kujiunga"), sentenceJoined, NoEffect},
		"joining needs a number":                    {Person{Identity: Identity{UserID: "KE.1"}}, says("join"), sentenceNoNumber, NoEffect},
		"what nobody can read is said":              {Person{}, sticker, sentenceUnreadable, Hint},
		"what nobody can read is said once a while": {Person{Hinted: true}, sticker, "", NoEffect},
		"what was taken back needs no answer":       {Person{}, revoked, "", NoEffect},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{due: Due{Person: tt.person, Waiting: tt.waiting}}
			next, err := w.service(Options{ReplyWithin: 12 * time.Hour}).Reply(t.Context(), 7).Get()
			if err != nil || next.After != 0 {
				t.Fatalf("got %v, %v", next, err)
			}
			if len(w.asked) != 0 {
				t.Error("the model was asked")
			}
			if got := bodies(w.sent); got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
			if len(w.answers) != 1 || w.answers[0].Effect != tt.effect || len(w.answers[0].MessageIDs) != len(tt.waiting) {
				t.Errorf("settled by %+v, want effect %d", w.answers, tt.effect)
			}
		})
	}
}

func TestOnlyWholeMessagesAreCommands(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Where does bus 46 stop?", "please don't stop", "How do I join a table in SQL?", "startup", "acha nikuambie"} {
		w := &world{due: Due{Waiting: []Waiting{waiting(1, "text", text, time.Minute)}}}
		if _, err := w.service(Options{}).Reply(t.Context(), 7).Get(); err != nil || len(w.asked) != 1 {
			t.Errorf("%q: the model was asked %d times, %v", text, len(w.asked), err)
		}
	}
}

func TestJoinFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		sent string
	}{
		"a number of another country is said": {fault.New(fault.Invalid, "no"), sentenceNoNumber},
		"a database that is away delays it":   {fault.New(fault.Unavailable, "away"), ""},
	} {
		w := &world{joinErr: tt.err, due: Due{Person: Person{Identity: kenyan}, Waiting: []Waiting{waiting(1, "text", "join", time.Minute)}}}
		_, err := w.service(Options{}).Reply(t.Context(), 7).Get()
		if bodies(w.sent) != tt.sent || tt.sent == "" && !errors.Is(err, tt.err) {
			t.Errorf("%s: sent %q, %v", name, bodies(w.sent), err)
		}
	}
}

func media(id, mimeType, caption string, age time.Duration) Waiting {
	m := waiting(1, "image", caption, age)
	m.Media = Media{ID: id, MIMEType: mimeType}
	return m
}

func document(id, mimeType string) Waiting {
	m := waiting(1, "document", "", time.Second)
	m.Media = Media{ID: id, MIMEType: mimeType, Name: sensitive.NewText("a.pdf")}
	return m
}

func TestFilesReachTheModel(t *testing.T) {
	t.Parallel()
	transient := fault.New(fault.UpstreamTimeout, "later")
	tests := map[string]struct {
		message Waiting
		err     error
		files   string // empty: none
		said    string // empty: the model is not asked
	}{
		"a picture with its caption":    {media("M1", "image/jpeg", "what is this?", time.Second), nil, "image/jpeg:bytes of M1", "[image] what is this?"},
		"a voice note, codec and all":   {media("M1", "audio/ogg; codecs=opus", "", time.Second), nil, "audio/ogg:bytes of M1", "[image]"},
		"a file that is gone":           {media("M1", "image/png", "look", time.Second), fmt.Errorf("%w: gone", ErrNoMedia), "", "[image] look"},
		"a file that may come later":    {media("M1", "image/png", "look", time.Second), transient, "", ""},
		"a file that came too late":     {media("M1", "image/png", "look", 2*mediaPatience), transient, "", "[image] look"},
		"a caption of what is no image": {media("M1", "application/zip", "look", time.Second), nil, "", "[image] look"},
		"a file with a name":            {document("M1", "application/pdf"), nil, "application/pdf:bytes of M1", "[document a.pdf]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{mediaErr: tt.err, due: Due{Waiting: []Waiting{tt.message}}}
			_, err := w.service(Options{}).Reply(t.Context(), 7).Get()
			if tt.said == "" {
				if len(w.asked) != 0 || !errors.Is(err, tt.err) {
					t.Errorf("asked %d times, %v", len(w.asked), err)
				}
				return
			}
			var files string
			for _, f := range w.asked[0].Files {
				files += f.MIMEType + ":" + string(f.Data)
			}
			if files != tt.files || w.asked[0].Said.Reveal() != tt.said {
				t.Errorf("asked with %q and files %q, want %q and %q", w.asked[0].Said.Reveal(), files, tt.said, tt.files)
			}
		})
	}
}

func TestTheModelIsNotAskedAboutAFileThatItDoesNotSee(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		message Waiting
		want    string
	}{
		"a picture that is gone":  {media("M1", "image/png", "", time.Second), sentenceUnopened},
		"a document that is gone": {document("M1", "application/pdf"), sentenceUnopened},
		"what no model reads":     {document("M1", "application/zip"), sentenceUnreadable},
	} {
		w := &world{mediaErr: ErrNoMedia, due: Due{Waiting: []Waiting{tt.message}}}
		if _, err := w.service(Options{}).Reply(t.Context(), 7).Get(); err != nil {
			t.Fatal(err)
		}
		if len(w.asked) != 0 || bodies(w.sent) != tt.want {
			t.Errorf("%s: the model was asked %d times, and the person reads %q", name, len(w.asked), bodies(w.sent))
		}
	}
}

func TestAQuotedMessageIsToldToTheModel(t *testing.T) {
	t.Parallel()
	m := waiting(1, "text", "And this one?", time.Minute)
	m.Quoted = sensitive.NewText("Phones cost 100")
	if got := said([]Waiting{m}).Reveal(); got != "(in reply to “Phones cost 100”) And this one?" {
		t.Errorf("said %q", got)
	}
}

package simulator

import (
	"testing"
	"time"
)

func TestStore_AuthorOfPrompt(t *testing.T) {
	t.Parallel()
	otieno := Person{Phone: "254722905114"}
	for name, tt := range map[string]struct {
		prompt string
		other  string // text of another person who waits for an answer
		want   bool
	}{
		"only_person_with_the_text": {prompt: "earlier\nhello", other: "goodbye", want: true},
		"two_people_with_the_text":  {prompt: "hello", other: "hello", want: false},
		"nobody_with_the_text":      {prompt: "a developer's prompt", other: "goodbye", want: false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStore(time.Now)
			for person, text := range map[Person]string{wanjiru: "hello", otieno: tt.other} {
				in, _, _ := st.addInbound(person, kindText, object{kindText: object{"body": text}})
				st.markRead(ReadCall{WAMID: in.WAMID, Typing: true})
			}
			want := ""
			if tt.want {
				want = st.userIDOf(wanjiru)
			}
			if got := st.authorOfPrompt(tt.prompt); got != want {
				t.Errorf("authorOfPrompt(%q) = %q, want %q", tt.prompt, got, want)
			}
		})
	}
}

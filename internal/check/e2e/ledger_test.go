package e2e

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"aisha/internal/dev/simulator"
)

// person returns the person with a number. Equal numbers give equal people.
func person(i int) simulator.Person {
	return simulator.Person{Phone: fmt.Sprintf("2547120%05d", i), Name: fmt.Sprint("Person ", i)}
}

// token returns the text of message n of person i. The simulated model repeats the
// prompt, so an answer contains the tokens of the messages that it answers.
func token(i, n int) string { return fmt.Sprintf("token-%d-%d-end", i, n) }

var tokenPattern = regexp.MustCompile(`token-\d+-\d+-end`)

// answerIndex maps the text of a message to the indexes of its answers in
// Ledger.Outbound.
type answerIndex map[string][]int

// indexByToken finds the answers by the tokens that they repeat.
func indexByToken(l simulator.Ledger) answerIndex {
	found := answerIndex{}
	for at, out := range l.Outbound {
		for _, t := range slices.Compact(tokenPattern.FindAllString(out.Body, -1)) {
			found[t] = append(found[t], at)
		}
	}
	return found
}

// indexByPerson finds answers that repeat no token. It requires that each person
// wrote once.
func indexByPerson(l simulator.Ledger) answerIndex {
	texts, found := map[string]string{}, answerIndex{}
	for _, in := range l.Inbound {
		texts[in.Person.Phone] = in.Text
	}
	for at, out := range l.Outbound {
		t := texts[out.Person.Phone]
		found[t] = append(found[t], at)
	}
	return found
}

// tally counts what happened to the messages, according to the ledger of the
// simulator.
type tally struct {
	acknowledged, answers                        int
	lost, duplicated, outOfOrder, wrongRecipient int // number of messages

	problems []string // one line per affected message
}

func (t tally) String() string {
	return fmt.Sprintf("acknowledged %4d  answers %4d  lost %2d  duplicated %d  out of order %d  wrong recipient %d",
		t.acknowledged, t.answers, t.lost, t.duplicated, t.outOfOrder, t.wrongRecipient)
}

// newTally checks messages 0 to perPerson-1 of the people 0 to persons-1.
func newTally(l simulator.Ledger, found answerIndex, persons, perPerson int) tally {
	t := tally{acknowledged: l.Counts.Acknowledged, answers: l.Counts.Outbound}
	inbound := map[string]simulator.Inbound{}
	for _, in := range l.Inbound {
		inbound[in.Text] = in
	}
	for i := range persons {
		lastAnswer, lastAcknowledged := -1, time.Time{}
		for n := range perPerson {
			m := answeredMessage{
				message: inbound[token(i, n)], answers: found[token(i, n)], writer: person(i),
				previousAnswer: lastAnswer, previousAcknowledged: lastAcknowledged,
			}
			t.add(l, m)
			for _, at := range m.answers {
				lastAnswer = max(lastAnswer, at)
			}
			lastAcknowledged = m.message.AcknowledgedAt
		}
	}
	return t
}

// answeredMessage is one message with what [tally.add] compares it with.
type answeredMessage struct {
	message simulator.Inbound
	answers []int // indexes in Ledger.Outbound
	writer  simulator.Person

	previousAnswer       int       // highest index of an answer to an earlier message, or -1
	previousAcknowledged time.Time // when the previous message was acknowledged
}

// add checks one message and counts its problems.
func (t *tally) add(l simulator.Ledger, m answeredMessage) {
	if len(m.answers) == 0 {
		t.lost++
		return
	}
	report := func(counter *int, problem string) {
		*counter++
		t.problems = append(t.problems, fmt.Sprintf("%s was answered %s", m.message.Text, problem))
	}
	if len(m.answers) > 1 {
		report(&t.duplicated, fmt.Sprint(len(m.answers), " times"))
	}
	// The order is defined only if the previous message was acknowledged before this
	// one was written. Otherwise one webhook may have overtaken the other.
	if m.answers[0] < m.previousAnswer && m.previousAcknowledged.Before(m.message.At) {
		report(&t.outOfOrder, "before an earlier message")
	}
	if l.Outbound[m.answers[0]].Person.Phone != m.writer.Phone {
		report(&t.wrongRecipient, "to another person")
	}
}

// violation describes how the tally breaks the guarantee of the service, where
// exactly wantLost messages must be unanswered. It is empty if the guarantee holds.
func (t tally) violation(wantLost int) string {
	if t.lost == wantLost && t.duplicated+t.outOfOrder+t.wrongRecipient == 0 {
		return ""
	}
	return fmt.Sprintf("got %v, want lost %d and all other counts 0\n%s", t, wantLost, strings.Join(t.problems, "\n"))
}

// allAnswered is a condition for [simulator.Simulator.WaitFor]: all messages were
// acknowledged and answered, and no webhook is pending.
func allAnswered(l simulator.Ledger, persons, perPerson int) bool {
	return l.Counts.Acknowledged == persons*perPerson && l.Counts.Pending == 0 && len(indexByToken(l)) >= persons*perPerson
}

// checkAnsweredOnce checks that each message has exactly one answer, that the answer
// went to the person who wrote the message, and that the answers to a person keep
// the order of the messages.
func checkAnsweredOnce(t *testing.T, l simulator.Ledger, persons, perPerson int) {
	t.Helper()
	got := newTally(l, indexByToken(l), persons, perPerson)
	t.Log(got)
	if problem := got.violation(0); problem != "" {
		t.Error(problem)
	}
}

// scenarioResult is the tally of a scenario.
type scenarioResult struct {
	tally
	name string
	took time.Duration
	seed uint64
}

func (r scenarioResult) String() string {
	return fmt.Sprintf("%-34s %v  took %3.0fs  seed %d", r.name, r.tally, r.took.Seconds(), r.seed)
}

// formatResults formats the results as one line per scenario, sorted by name.
func formatResults(results []scenarioResult) string {
	slices.SortFunc(results, func(a, b scenarioResult) int { return cmp.Compare(a.name, b.name) })
	var lines strings.Builder
	for _, r := range results {
		fmt.Fprintf(&lines, "\n%v", r)
	}
	return lines.String()
}

func TestNewTally(t *testing.T) {
	t.Parallel()
	wrote := func(i, n int, at, acknowledged int64) simulator.Inbound {
		return simulator.Inbound{Person: person(i), Text: token(i, n), At: time.Unix(at, 0), AcknowledgedAt: time.Unix(acknowledged, 0)}
	}
	sent := func(i int, words ...string) simulator.Outbound {
		return simulator.Outbound{Person: person(i), Body: strings.Join(words, " ")}
	}
	inbound := []simulator.Inbound{wrote(0, 0, 1, 2), wrote(0, 1, 3, 4)}
	for name, tt := range map[string]struct {
		outbound []simulator.Outbound
		want     tally
	}{
		"answered_in_order":  {[]simulator.Outbound{sent(0, token(0, 0)), sent(0, token(0, 1))}, tally{}},
		"both_in_one_answer": {[]simulator.Outbound{sent(0, token(0, 0), token(0, 1))}, tally{}},
		"lost":               {[]simulator.Outbound{sent(0, token(0, 0))}, tally{lost: 1}},
		"duplicated":         {[]simulator.Outbound{sent(0, token(0, 0)), sent(0, token(0, 0)), sent(0, token(0, 1))}, tally{duplicated: 1}},
		"out_of_order":       {[]simulator.Outbound{sent(0, token(0, 1)), sent(0, token(0, 0))}, tally{outOfOrder: 1}},
		"wrong_recipient":    {[]simulator.Outbound{sent(1, token(0, 0)), sent(0, token(0, 1))}, tally{wrongRecipient: 1}},
	} {
		l := simulator.Ledger{Inbound: inbound, Outbound: tt.outbound}
		got := newTally(l, indexByToken(l), 1, 2)
		got.answers, got.problems = 0, nil
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

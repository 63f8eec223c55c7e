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

// person is the same for the same number.
func person(i int) simulator.Person {
	return simulator.Person{Phone: fmt.Sprintf("2547120%05d", i), Name: fmt.Sprint("Person ", i)}
}

// token is what a person writes in their message with this number. The model
// repeats what it was asked, so an answer tells which messages it is to.
func token(i, n int) string { return fmt.Sprintf("token-%d-%d-end", i, n) }

var tokenPattern = regexp.MustCompile(`token-\d+-\d+-end`)

// answers are, for each message, the places in the ledger of what answers it.
type answers map[string][]int

// byToken finds the answers by the words that they repeat.
func byToken(l simulator.Ledger) answers {
	found := answers{}
	for at, out := range l.Outbound {
		for _, t := range slices.Compact(tokenPattern.FindAllString(out.Body, -1)) {
			found[t] = append(found[t], at)
		}
	}
	return found
}

// byPerson is for answers that repeat nothing, where each person wrote once.
func byPerson(l simulator.Ledger) answers {
	writers, found := map[string]string{}, answers{}
	for _, in := range l.Inbound {
		writers[in.Person.Phone] = in.Text
	}
	for at, out := range l.Outbound {
		t := writers[out.Person.Phone]
		found[t] = append(found[t], at)
	}
	return found
}

// account is what became of the messages of some persons, as the simulator saw
// it: the only one who knows what really came and went.
type account struct {
	acknowledged, answers         int
	lost, twice, disorder, astray int // messages

	troubles []string // which ones
}

func (a account) String() string {
	return fmt.Sprintf("acknowledged %4d  answers %4d  lost %2d  twice %d  out of order %d  astray %d",
		a.acknowledged, a.answers, a.lost, a.twice, a.disorder, a.astray)
}

// reckon counts over all messages of all persons.
func reckon(l simulator.Ledger, found answers, persons, each int) account {
	a := account{acknowledged: l.Counts.Acknowledged, answers: l.Counts.Outbound}
	said := map[string]simulator.Inbound{}
	for _, in := range l.Inbound {
		said[in.Text] = in
	}
	for i := range persons {
		last, before := -1, time.Time{}
		for n := range each {
			a.count(l, found[token(i, n)], said[token(i, n)], person(i), last, before)
			for _, at := range found[token(i, n)] {
				last = max(last, at)
			}
			before = said[token(i, n)].AcknowledgedAt
		}
	}
	return a
}

// count looks at one message: where its answers are, where the last answer to
// the message before it is, and when that one was acknowledged.
func (a *account) count(l simulator.Ledger, at []int, message simulator.Inbound, writer simulator.Person, last int, before time.Time) {
	if len(at) == 0 {
		a.lost++
		return
	}
	trouble := func(count *int, what string) {
		*count++
		a.troubles = append(a.troubles, fmt.Sprintf("%s was answered %s", message.Text, what))
	}
	if len(at) > 1 {
		trouble(&a.twice, fmt.Sprint(len(at), " times"))
	}
	// The order is known where one was acknowledged before the next was written.
	// Otherwise webhooks may have overtaken each other.
	if at[0] < last && before.Before(message.At) {
		trouble(&a.disorder, "before an earlier one")
	}
	if l.Outbound[at[0]].Person.Phone != writer.Phone {
		trouble(&a.astray, "to somebody else")
	}
}

// broken says how the promise was not kept, where this many messages had to be
// lost. Empty: it was kept.
func (a account) broken(mustBeLost int) string {
	if a.lost == mustBeLost && a.twice+a.disorder+a.astray == 0 {
		return ""
	}
	return fmt.Sprintf("the promise is broken: %v, where %d had to be lost\n%s", a, mustBeLost, strings.Join(a.troubles, "\n"))
}

// allAnswered is for [simulator.Simulator.WaitFor]: everything was acknowledged
// and answered, and nothing is under way.
func allAnswered(l simulator.Ledger, persons, each int) bool {
	return l.Counts.Acknowledged == persons*each && l.Counts.Pending == 0 && len(byToken(l)) >= persons*each
}

// checkOnce holds the ledger to the promise: each message is in one answer, to
// the person who sent it, and a person's answers keep the order of messages.
func checkOnce(t *testing.T, l simulator.Ledger, persons, each int) {
	t.Helper()
	a := reckon(l, byToken(l), persons, each)
	t.Log(a)
	if problem := a.broken(0); problem != "" {
		t.Error(problem)
	}
}

// row is the account of a scenario.
type row struct {
	account
	name string
	took time.Duration
	seed uint64
}

func (r row) String() string {
	return fmt.Sprintf("%-34s %v  took %3.0fs  seed %d", r.name, r.account, r.took.Seconds(), r.seed)
}

// table is all accounts, for people to read.
func table(rows []row) string {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.name, b.name) })
	var lines strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&lines, "\n%v", r)
	}
	return lines.String()
}

func TestReckonFindsEachKindOfTrouble(t *testing.T) {
	t.Parallel()
	said := func(i, n int, at, acknowledged int64) simulator.Inbound {
		return simulator.Inbound{Person: person(i), Text: token(i, n), At: time.Unix(at, 0), AcknowledgedAt: time.Unix(acknowledged, 0)}
	}
	sent := func(i int, words ...string) simulator.Outbound {
		return simulator.Outbound{Person: person(i), Body: strings.Join(words, " ")}
	}
	inbound := []simulator.Inbound{said(0, 0, 1, 2), said(0, 1, 3, 4)}
	for name, tt := range map[string]struct {
		outbound []simulator.Outbound
		want     account
	}{
		"a good day":  {[]simulator.Outbound{sent(0, token(0, 0)), sent(0, token(0, 1))}, account{}},
		"in one":      {[]simulator.Outbound{sent(0, token(0, 0), token(0, 1))}, account{}},
		"lost":        {[]simulator.Outbound{sent(0, token(0, 0))}, account{lost: 1}},
		"twice":       {[]simulator.Outbound{sent(0, token(0, 0)), sent(0, token(0, 0)), sent(0, token(0, 1))}, account{twice: 1}},
		"disorder":    {[]simulator.Outbound{sent(0, token(0, 1)), sent(0, token(0, 0))}, account{disorder: 1}},
		"to somebody": {[]simulator.Outbound{sent(1, token(0, 0)), sent(0, token(0, 1))}, account{astray: 1}},
	} {
		l := simulator.Ledger{Inbound: inbound, Outbound: tt.outbound}
		got := reckon(l, byToken(l), 1, 2)
		got.answers, got.troubles = 0, nil
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

package webhook

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// No message is another person's than it or its contact says.
func TestDecode_RandomWebhooks(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	messages := 0
	for range 2_000 {
		messages += checkSenders(t, []byte(randomWebhook(random)))
	}
	if messages < 1_000 {
		t.Errorf("read %d messages of 2,000 webhooks, want at least 1,000", messages)
	}
}

// FuzzDecode_RandomWebhooks is TestDecode_RandomWebhooks guided by coverage.
func FuzzDecode_RandomWebhooks(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, seed1, seed2 uint64) {
		checkSenders(t, []byte(randomWebhook(rand.New(rand.NewPCG(seed1, seed2)))))
	})
}

// checkSenders decodes a random webhook and returns how many messages it has. The
// generator puts the number of a person into the text and into the ids of the
// message and of the contact.
func checkSenders(t *testing.T, body []byte) (messages int) {
	t.Helper()
	batch := decode(body)
	for _, m := range batch.Messages {
		owner := m.Text.Reveal()
		for _, id := range []string{m.Sender.BSUID, m.Sender.WaID.Reveal(), m.Sender.Name.Reveal()} {
			if id != "" && owner != "" && !strings.HasSuffix(id, owner) {
				t.Fatalf("a message of person %s has the sender %s/%s/%s in %s",
					owner, m.Sender.BSUID, m.Sender.WaID.Reveal(), m.Sender.Name.Reveal(), body)
			}
		}
	}
	return len(batch.Messages)
}

// randomWebhook returns a webhook in which all identifiers of a person end with
// the number of the person, and so do the texts that the person wrote. Some
// members are missing or have an undocumented type.
func randomWebhook(random *rand.Rand) string {
	var entries []string
	for range 1 + random.IntN(4)/3 {
		var changes []string
		for range 1 + random.IntN(4)/3 {
			field := pick(random, "messages", "messages", "messages", "messages", "messages", "messages", "messages", "user_preferences", "smb_message_echoes", "account_update")
			changes = append(changes, fmt.Sprintf(`{"field":%q,"value":%s}`, field, randomValue(random)))
		}
		entries = append(entries, `{"id":"1","changes":`+list(changes)+`}`)
	}
	return `{"object":"whatsapp_business_account","entry":` + list(entries) + `}`
}

func randomValue(random *rand.Rand) string {
	items := func(most int, item func(*rand.Rand) string) string {
		var all []string
		for range random.IntN(most + 1) {
			all = append(all, item(random))
		}
		return list(all)
	}
	metadata := `{"phone_number_id":"1"}`
	if random.IntN(20) == 0 {
		metadata = pick(random, `{"phone_number_id":1}`, `{"phone_number_id":"123456123"}`, `null`)
	}
	members := []string{
		`"metadata":` + metadata,
		`"contacts":` + items(3, randomContact),
		`"messages":` + items(3, randomMessage),
		`"statuses":` + items(random.IntN(4)/3, randomStatus),
	}
	if random.IntN(4) == 0 {
		members = append(members, `"message_echoes":`+items(2, randomEcho), `"user_preferences":`+items(2, randomPreference))
	}
	if random.IntN(10) == 0 {
		members = append(members, pick(random, `"errors":[{"code":1}]`, `"errors":null`, `"errors":"x"`, `"x":[]`))
	}
	return `{` + strings.Join(members, ",") + `}`
}

func randomContact(random *rand.Rand) string {
	person := random.IntN(3)
	if random.IntN(20) == 0 {
		return pick(random, `null`, `"x"`, `{}`, `[]`, `7`)
	}
	return object(random,
		pair("wa_id", number(random, person)), pair("user_id", userID(random, person)),
		fmt.Sprintf(`"profile":{"name":"name%d"}`, person))
}

func randomMessage(random *rand.Rand) string {
	person := random.IntN(3)
	if random.IntN(20) == 0 {
		return pick(random, `null`, `"x"`, `{}`, `[]`, `7`)
	}
	members := []string{
		fmt.Sprintf(`"id":"wamid.%d"`, random.IntN(1000)),
		`"timestamp":` + pick(random, `"1767225600"`, `"1767225600"`, `1767225000`, `1767225000`, `null`, `"x"`, `"1504902988"`),
		pick(random, `"type":"text"`, `"type":"text"`, `"type":"text"`, `"type":"text"`, `"type":"unsupported","errors":[{"code":131060}]`, `"type":"zzz"`, `"group_id":{}`),
	}
	named := object(random, pair("from", number(random, person)), pair("from_user_id", userID(random, person)))
	if named == `{}` { // such a message belongs to the only contact, whose number it does not have
		return `{` + strings.Join(members, ",") + `}`
	}
	members = append(members, strings.Trim(named, `{}`), fmt.Sprintf(`"text":{"body":"%d"}`, person))
	random.Shuffle(len(members), func(i, k int) { members[i], members[k] = members[k], members[i] })
	return `{` + strings.Join(members, ",") + `}`
}

func randomStatus(random *rand.Rand) string {
	return object(random, `"id":"wamid.S"`, pair("status", pick(random, `"sent"`, `"read"`, `"failed"`, `"zzz"`)),
		pair("recipient_id", number(random, 1)), pair("errors", pick(random, `[{"code":131047}]`, `"x"`, `null`)))
}

func randomEcho(random *rand.Rand) string {
	return object(random, `"id":"wamid.E"`, pair("to", number(random, 1)), pair("to_user_id", userID(random, 1)))
}

func randomPreference(random *rand.Rand) string {
	return object(random, pair("wa_id", number(random, 1)), pair("user_id", userID(random, 1)), pair("value", pick(random, `"stop"`, `"resume"`, `"signup"`)))
}

func number(random *rand.Rand, person int) string {
	return fmt.Sprintf(pick(random, `"25471100000%d"`, `"+25471100000%d"`, `25471100000%d`, `"KE.%d"`), person)
}

func userID(random *rand.Rand, person int) string {
	return fmt.Sprintf(pick(random, `"KE.%d"`, `"ke.%d"`, `"user.%d"`), person)
}

func pair(name, value string) string { return fmt.Sprintf(`%q:%s`, name, value) }

// object returns an object with some of the members.
func object(random *rand.Rand, members ...string) string {
	members = slices.DeleteFunc(members, func(string) bool { return random.IntN(4) == 0 })
	return `{` + strings.Join(members, ",") + `}`
}

func list(items []string) string { return `[` + strings.Join(items, ",") + `]` }

func pick(random *rand.Rand, choices ...string) string { return choices[random.IntN(len(choices))] }

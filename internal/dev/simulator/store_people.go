package simulator

import "cmp"

// addPerson adds a person, or adds missing data to a known one, and returns the
// person with their user id.
func (st *store) addPerson(p Person) Person {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.ensureConversation(p).person
}

func (st *store) personByID(userID string) (Person, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	c := st.people[userID]
	if c == nil {
		return Person{}, false
	}
	return c.person, true
}

// ensureConversation finds the conversation with a person, by user id or else
// by phone number, and creates it if it does not exist. The caller holds the
// lock.
func (st *store) ensureConversation(p Person) *conversation {
	c := st.people[p.UserID]
	if p.UserID == "" {
		c = st.byPhone[normalizePhone(p.Phone)]
	}
	if c == nil {
		st.evictOldestPerson()
		c = &conversation{seq: st.nextSeq(), lastAttempted: closedChannel()}
		c.person.UserID = cmp.Or(p.UserID, userIDForPhone(normalizePhone(p.Phone)))
		st.people[c.person.UserID] = c
	}
	known := c.person
	c.person.Phone = cmp.Or(normalizePhone(p.Phone), known.Phone)
	c.person.Name = cmp.Or(p.Name, known.Name)
	if c.person.Phone != "" {
		st.byPhone[c.person.Phone] = c
	}
	if c.person != known {
		st.publish(eventPerson, viewPerson(c))
	}
	return c
}

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// evictOldestPerson removes the first person in the order of addition if the store
// is full. The caller holds the lock.
func (st *store) evictOldestPerson() {
	if len(st.people) < maxPeople {
		return
	}
	var oldest *conversation
	for _, c := range st.people {
		if oldest == nil || c.seq < oldest.seq {
			oldest = c
		}
	}
	for _, in := range oldest.inbound {
		delete(st.inbound, in.WAMID)
	}
	delete(st.people, oldest.person.UserID)
	if st.byPhone[oldest.person.Phone] == oldest {
		delete(st.byPhone, oldest.person.Phone)
	}
}

package operator

// Attempt is a request that changes something.
type Attempt struct {
	Caller string
	Key    string // its Idempotency-Key; empty: none
	Path   string // with the method and the query
	// HashBody reads the rest of the body and returns the SHA-256 of all of it. It is
	// nil without a Key.
	HashBody func() ([]byte, error)
}

// Answer is the response to an Attempt.
type Answer struct {
	Status   int
	Header   map[string][]string
	Body     []byte
	Replayed bool // it was stored by an earlier request
}

package postgres

// The advisory locks of two keys, by their first key. The numbers are not the
// order in which they are taken. The lock of one person is
// of the kind with a single key, which PostgreSQL keeps apart from these. The
// documentation of package whatsappdb has the whole protocol.
const (
	LockMigration int32 = 1 // second key 0: one instance migrates
	LockSignUp    int32 = 2 // second key: hash of a phone number
	LockInstance  int32 = 3 // second key: hash of an instance's name; held while it lives
	LockWAMID     int32 = 4 // second key: hash of a wamid, 256 values
	LockRetention int32 = 5 // second key 0: one instance deletes expired rows
	LockPersons   int32 = 6 // second key 0: shared to keep all persons, exclusive to delete or merge some
	// LockCounts has the second key 0. Transactions that update waiting list entries
	// hold it in share mode (see migrations/00007_waitlist_managed.sql), and the one
	// that counts further entries holds it exclusively.
	LockCounts      int32 = 7
	LockIdempotency int32 = 8 // second key: hash of a caller and an idempotency key
	LockOperation   int32 = 9 // second key: id of an operation, modulo 2^31; one chunk at a time
)

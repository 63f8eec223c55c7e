package geminiapi

// ReasonRequestRejected is the Reason of a request that the API refuses each
// time, for example because it cannot open a file in it.
const ReasonRequestRejected = string(requestRejected)

// Reason returns the outcome of the last attempt, which is one of about a dozen
// constant strings, for logs and metrics.
func (f *failure) Reason() string { return string(f.outcome) }

package operator

// Event is a row of the audit as the code that changes something describes it. The
// actor and the request id come from the context.
type Event struct {
	Action    string         // for example "entry.updated" or "list.exported"
	Subject   string         // to what kind of thing: "entry", "import", "list"
	SubjectID int64          // 0: none
	Details   map[string]any // must not contain a phone number in full, see sensitive.Phone.Masked
}

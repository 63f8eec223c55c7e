package fault

// Field describes an error in one member of the caller's input.
type Field struct {
	Name    string
	Code    FieldCode
	Message string
}

// FieldCode names the error of a field for programs. A code never changes its
// meaning.
type FieldCode string

// The codes of field errors, as api/openapi.yaml lists them.
const (
	FieldRequired         FieldCode = "required"           // missing, or empty
	FieldUnknownMember    FieldCode = "unknown_member"     // the route has no such member
	FieldWrongType        FieldCode = "wrong_type"         // for example a number instead of a string
	FieldNotUnicode       FieldCode = "not_unicode"        // invalid UTF-8, or half of a surrogate pair
	FieldOutOfRange       FieldCode = "out_of_range"       // a number that is too low or too high
	FieldTooLong          FieldCode = "too_long"           // more characters or bytes than allowed
	FieldControlCharacter FieldCode = "control_character"  // a line break or another control character
	FieldNotVisible       FieldCode = "not_visible"        // a name without a visible letter or digit
	FieldNotPhoneNumber   FieldCode = "not_a_phone_number" // a text that is not a phone number of any country
	FieldNotKenyan        FieldCode = "not_kenyan"         // a phone number of another country
	FieldNotMobile        FieldCode = "not_mobile"         // a Kenyan number, but not of a mobile phone
	FieldInvalidValue     FieldCode = "invalid_value"      // any other value that is not allowed
)

// InvalidField returns an Invalid error for one member of the input.
func InvalidField(name string, code FieldCode, message string) *Error {
	return InvalidFields([]Field{{Name: name, Code: code, Message: message}})
}

// InvalidFields returns an Invalid error that lists several members of the
// input.
func InvalidFields(fields []Field) *Error {
	e := New(Invalid, "the request is not valid")
	e.Fields = fields
	return e
}

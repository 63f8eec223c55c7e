package graphapi

import (
	"encoding/json"
	"strconv"

	"aisha/internal/client/upstream"
)

// UnmarshalJSON implements json.Unmarshaler. It reads members of unexpected
// types as absent.
func (f *fileDescription) UnmarshalJSON(raw []byte) error {
	description, err := upstream.ParseJSON(raw)
	if err != nil {
		return err
	}
	f.URL = description.Member("url").Text()
	if size, ok := description.Member("file_size").Int(); ok {
		f.Size = json.Number(strconv.FormatInt(size, 10))
	}
	return nil
}

package webhook

import (
	"reflect"
	"testing"

	"aisha/internal/sensitive"
)

// filled returns a batch with n items in every field, so that a kind of item
// which a method of Batch forgets is found here.
func filled(t *testing.T, n int) Batch {
	t.Helper()
	var batch Batch
	value := reflect.ValueOf(&batch).Elem()
	for i := range value.NumField() {
		field := value.Field(i)
		if field.Kind() != reflect.Slice {
			t.Fatalf("field %s is a %s, want a slice", value.Type().Field(i).Name, field.Kind())
		}
		field.Set(reflect.MakeSlice(field.Type(), n, n))
	}
	return batch
}

func TestBatch_Len(t *testing.T) {
	t.Parallel()
	batch := filled(t, 3)
	if got, want := batch.Len(), 3*reflect.TypeFor[Batch]().NumField(); got != want {
		t.Errorf("Len() = %d, want %d", got, want)
	}
}

func TestBatch_Append(t *testing.T) {
	t.Parallel()
	batch := filled(t, 1)
	batch.Append(filled(t, 2))
	if want := filled(t, 3); !reflect.DeepEqual(batch, want) {
		t.Errorf("got %+v, want %+v", batch, want)
	}
}

func TestBatch_Split(t *testing.T) {
	t.Parallel()
	batch := filled(t, 2)
	batch.Edits[1].Text, batch.Revokes[1].WAMID = sensitive.NewText("second"), "wamid.second"
	parts := batch.Split()
	if got, want := len(parts), batch.Len(); got != want {
		t.Errorf("got %d batches, want %d", got, want)
	}
	var joined Batch
	for i, part := range parts {
		if part.Len() != 1 {
			t.Errorf("batch %d has %d items, want 1", i, part.Len())
		}
		joined.Append(part)
	}
	if !reflect.DeepEqual(joined, batch) {
		t.Errorf("the batches together are %+v, want %+v", joined, batch)
	}
}

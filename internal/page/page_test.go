package page

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNew(t *testing.T) {
	t.Parallel()
	key := func(n int) []int64 { return []int64{int64(n), 0} }
	for name, tt := range map[string]struct {
		items []int
		want  Page[int]
	}{
		"empty":   {nil, Page[int]{}},
		"shorter": {[]int{1}, Page[int]{Items: []int{1}}},
		"full":    {[]int{1, 2}, Page[int]{Items: []int{1, 2}}},
		"goes_on": {[]int{1, 2, 3}, Page[int]{Items: []int{1, 2}, Next: []int64{2, 0}}},
	} {
		if diff := cmp.Diff(tt.want, New(tt.items, 2, key)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNewCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]Count{
		0: {N: 0, Exact: true}, CountLimit: {N: CountLimit, Exact: true}, CountLimit + 1: {N: CountLimit},
	} {
		if diff := cmp.Diff(&want, NewCount(n)); diff != "" {
			t.Errorf("NewCount(%d) (-want +got):\n%s", n, diff)
		}
	}
}

func TestMap(t *testing.T) {
	t.Parallel()
	in := Page[int]{Items: []int{1, 2}, Next: []int64{2}, Count: &Count{N: 3}}
	want := Page[string]{Items: []string{"b", "c"}, Next: []int64{2}, Count: &Count{N: 3}}
	got := Map(in, func(n int) string { return string(rune('a' + n)) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Map (-want +got):\n%s", diff)
	}
	if empty := Map(Page[int]{}, func(int) string { return "" }); empty.Items == nil {
		t.Error("Map of an empty page: got no list of items, want an empty one")
	}
}

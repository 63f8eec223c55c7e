// Package page defines pages of lists. A page begins after a key, not after a
// number of items, so that a page deep in a list costs no more than the first.
package page

// CountLimit is the highest number to which a list is counted.
const CountLimit = 10_000

// Request selects a page.
type Request struct {
	Limit int     // from 1 on
	After []int64 // key of the last item of the page before; nil: the first page
	Count bool    // count the whole list, up to CountLimit
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Next  []int64 // key of the last item; nil: the list ends here
	Count *Count  // nil: not requested
}

// Count is the length of the whole list.
type Count struct {
	N     int
	Exact bool // false: the list is at least that long
}

// NewCount returns the Count of a list of which n items were found by looking for
// CountLimit + 1.
func NewCount(n int) *Count {
	return &Count{N: min(n, CountLimit), Exact: n <= CountLimit}
}

// New returns the page of items, which are one more than limit where the list goes
// on. key returns the key of an item.
func New[T any](items []T, limit int, key func(T) []int64) Page[T] {
	if len(items) <= limit {
		return Page[T]{Items: items}
	}
	items = items[:limit]
	return Page[T]{Items: items, Next: key(items[limit-1])}
}

// Map applies f to each item.
func Map[T, U any](p Page[T], f func(T) U) Page[U] {
	items := make([]U, len(p.Items))
	for i, item := range p.Items {
		items[i] = f(item)
	}
	return Page[U]{Items: items, Next: p.Next, Count: p.Count}
}

package resource

type Resource[T any] struct{ value T }

func (r Resource[T]) Get() (T, error) { return r.value, nil }

func Success[T any](v T) Resource[T] { return Resource[T]{v} }

package wire

import "context"

// RequestLog collects what the log line of a request needs. The request id
// middleware creates it, failed responses add their error, and the observer
// reads it when the request is complete.
type RequestLog struct {
	RequestID string
	Failure   error // cause of a failure response; nil for a success
}

type requestLogKey struct{}

// WithRequestLog returns a context that carries log.
func WithRequestLog(ctx context.Context, log *RequestLog) context.Context {
	return context.WithValue(ctx, requestLogKey{}, log)
}

// RequestLogOf returns the RequestLog of ctx, or an empty one if ctx carries
// none.
func RequestLogOf(ctx context.Context) *RequestLog {
	if log, ok := ctx.Value(requestLogKey{}).(*RequestLog); ok {
		return log
	}
	return &RequestLog{}
}

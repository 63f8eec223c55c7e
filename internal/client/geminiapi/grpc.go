package geminiapi

import (
	"context"
	"errors"

	"google.golang.org/grpc"
)

var errNoGRPC = errors.New("gemini api: gRPC is disabled")

// noGRPC is a gRPC connection pool without connections. Every call fails.
//
// genai.NewClient of generative-ai-go v0.20.1 also makes a gRPC client for the
// API's cached contents, which this program does not use. That client connects
// to its endpoint as soon as it is made, through HTTPS_PROXY if that is set, and
// reconnects until the process ends, because genai.Client.Close does not close
// it. Given this pool, the client makes no gRPC channel and so no connection.
type noGRPC struct{}

// Invoke implements grpc.ClientConnInterface.
func (noGRPC) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return errNoGRPC
}

// NewStream implements grpc.ClientConnInterface.
func (noGRPC) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errNoGRPC
}

// Conn returns nil: the pool has no connection.
func (noGRPC) Conn() *grpc.ClientConn { return nil }

// Num returns the number of connections.
func (noGRPC) Num() int { return 0 }

// Close does nothing.
func (noGRPC) Close() error { return nil }

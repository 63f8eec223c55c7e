package geminiapi

import (
	"context"

	"aisha/internal/client/upstream"
	"aisha/internal/sensitive"
	"aisha/internal/service/gemini"
)

// call is what generateOnce and the transport exchange about one request. It
// travels in the request's context, because the SDK passes nothing else of a
// call on to its transport.
type call struct {
	files    [][]byte         // in the order of their placeholders in the SDK's body
	private  upstream.Private // what the API's error must not bring into the log
	response streamedResponse // filled in by the transport
}

func newCall(request gemini.Request, key sensitive.Secret) *call {
	c := &call{private: upstream.Private{Secrets: []sensitive.Secret{key}}}
	for _, content := range request.Contents {
		for _, part := range content.Parts {
			if len(part.Data) > 0 {
				c.files = append(c.files, part.Data)
			}
			if !part.Text.IsZero() {
				c.private.Texts = append(c.private.Texts, part.Text)
			}
		}
	}
	return c
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callFrom(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

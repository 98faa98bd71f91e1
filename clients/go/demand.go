package keylease

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/keylease/keylease/clients/go/keyleasev1"
)

// Demand is what a call expects to use. Everything may be left out.
type Demand struct {
	// Pool to lease from; empty: the server's only one, or the one called "default".
	Pool string
	// Model about to be called.
	Model string
	// InputTokens and OutputTokens that are expected; 0: what such calls used lately.
	InputTokens, OutputTokens uint64
	// MaxWait is how long to wait in line where no key has room; 0: not at all.
	MaxWait time.Duration
	// TTL of the lease, which is renewed while the call runs; 0: the pool's.
	TTL time.Duration
	// Affinity keeps calls with one prompt cache on one key.
	Affinity string
	// Priority in line; higher first.
	Priority int32
	// Once: never make the call a second time on another key.
	Once bool
}

type demandKey struct{}

// ContextWithDemand tells [Client.Transport] what it cannot read from the request, or should not. What is set wins over
// what the request says; the pool is always the transport's.
func ContextWithDemand(ctx context.Context, demand Demand) context.Context {
	return context.WithValue(ctx, demandKey{}, demand)
}

func demandOf(ctx context.Context) Demand {
	demand, _ := ctx.Value(demandKey{}).(Demand)
	return demand
}

func (d Demand) request(requestID string, exclude []string) *keyleasev1.AcquireKeyRequest {
	request := &keyleasev1.AcquireKeyRequest{
		Pool: d.Pool, Model: d.Model, Affinity: d.Affinity, Priority: d.Priority, ExcludeKeyIds: exclude, RequestId: requestID,
	}
	if d.InputTokens > 0 {
		request.EstimatedInputTokens = proto.Uint64(d.InputTokens)
	}
	if d.OutputTokens > 0 {
		request.EstimatedOutputTokens = proto.Uint64(d.OutputTokens)
	}
	if d.MaxWait > 0 {
		request.MaxWait = durationpb.New(d.MaxWait)
	}
	if d.TTL > 0 {
		request.Ttl = durationpb.New(d.TTL)
	}
	return request
}

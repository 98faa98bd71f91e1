package keylease

import (
	"context"
	"io"
	"net/http"
)

// Client.Transport.
type transport struct {
	client *Client
	pool   string
}

func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	defer closeBody(request)
	if known := t.client.hosts.known(t.pool); known != nil {
		if err := checkHost(t.pool, known, request.URL); err != nil {
			return nil, err
		}
	}
	demand := demandOf(request.Context()).or(read(request))
	demand.Pool = t.pool
	demand.Once = demand.Once || !isReplayable(request)
	return t.client.WithKey(request.Context(), demand, func(ctx context.Context, key *Key) (*http.Response, error) {
		outgoing, err := again(ctx, request)
		if err != nil {
			return nil, err
		}
		if err := key.Authorize(outgoing); err != nil {
			closeBody(outgoing)
			return nil, err
		}
		return t.client.options.base.RoundTrip(outgoing)
	})
}

// CloseIdleConnections closes those of the RoundTripper beneath, as [http.Client] asks for.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.client.options.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func isReplayable(request *http.Request) bool {
	return request.Body == nil || request.Body == http.NoBody || request.GetBody != nil
}

// The request once more, with a body of its own where that can be had.
func again(ctx context.Context, request *http.Request) (*http.Request, error) {
	outgoing := request.Clone(ctx)
	if request.GetBody == nil {
		return outgoing, nil
	}
	body, err := request.GetBody()
	outgoing.Body = body
	return outgoing, err
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		request.Body.Close()
	}
}

// A copy of the request's body to look at; nil where there is none.
func bodyOf(request *http.Request) io.ReadCloser {
	if request.GetBody == nil {
		return nil
	}
	body, err := request.GetBody()
	if err != nil {
		return nil
	}
	return body
}

// The demand, with what it leaves open from another one.
func (d Demand) or(other Demand) Demand {
	if d.Model == "" {
		d.Model = other.Model
	}
	if d.InputTokens == 0 {
		d.InputTokens = other.InputTokens
	}
	if d.OutputTokens == 0 {
		d.OutputTokens = other.OutputTokens
	}
	return d
}

package keylease

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
)

// The server reads no more of an error's body.
const errorBodyBytesMax = 16 << 10

// Call makes one call to the provider with a leased key.
type Call func(ctx context.Context, key *Key) (*http.Response, error)

// WithKey leases a key, makes the call, and reports what the provider answered. The lease is renewed while the call runs and settled
// when the body of the response has been read or closed: close it, as always. A call that fails before it takes the credential
// gives the lease back.
//
// Where the server advises another key, the call is made once more, unless demand.Once is set. The error is a [*Refusal]
// where no key was leased, else that of the call.
func (c *Client) WithKey(ctx context.Context, demand Demand, call Call) (*http.Response, error) {
	key, err := c.acquire(ctx, demand)
	if err != nil {
		return nil, err
	}
	response, err, isForOther := c.try(ctx, key, call)
	if !isForOther || demand.Once || ctx.Err() != nil {
		return response, err
	}
	demand.MaxWait = max(demand.MaxWait-key.waited, 0)
	other, refused := c.lease(ctx, demand, []string{key.id})
	if refused != nil { // What the provider answered tells more than why there is no other key.
		return response, err
	}
	c.retries.Add(1)
	if response != nil {
		response.Body.Close()
	}
	response, err, _ = c.try(ctx, other, call)
	return response, err
}

// Makes the call with one key; the last result tells whether the server advises another one.
func (c *Client) try(ctx context.Context, key *Key, call Call) (*http.Response, error, bool) {
	isDone := false
	defer func() {
		if !isDone { // The call panicked.
			c.abandon(ctx, key, nil)
		}
	}()
	response, err := call(ctx, key)
	isDone = true
	switch {
	case err != nil || response == nil:
		return response, err, c.failed(ctx, key, err)
	case response.StatusCode >= http.StatusBadRequest:
		return response, nil, c.refusedByProvider(ctx, key, response)
	default:
		c.answered(ctx, key, response)
		return response, nil, false
	}
}

// Settles the lease of a call from which no response came; answers whether the server advises another key.
func (c *Client) failed(ctx context.Context, key *Key, err error) bool {
	var elsewhere *HostError
	if key.lease.sentTime().IsZero() || ctx.Err() != nil || err == nil || errors.As(err, &elsewhere) {
		c.abandon(ctx, key, err)
		return false
	}
	return key.lease.settleForAdvice(ctx, key.lease.reportOfFailure(ctx, err))
}

// Settles the lease of a call that nobody is going to repeat.
func (c *Client) abandon(ctx context.Context, key *Key, err error) {
	if key.lease.sentTime().IsZero() {
		key.lease.release()
		return
	}
	key.lease.settle(key.lease.reportOfFailure(ctx, err))
}

func (c *Client) refusedByProvider(ctx context.Context, key *Key, response *http.Response) bool {
	report := key.lease.reportOf(response)
	report.ErrorBody = peek(response)
	return key.lease.settleForAdvice(ctx, report)
}

func (c *Client) answered(ctx context.Context, key *Key, response *http.Response) {
	report := key.lease.reportOf(response)
	if response.Body == http.NoBody || response.StatusCode == http.StatusSwitchingProtocols {
		key.lease.settle(report)
		return
	}
	if !isJSON(response.Header) { // A stream: what its headers tell is of use before it ends.
		key.lease.inProgress(report)
		report = key.lease.reportWithout(response.StatusCode)
	}
	response.Body = watch(ctx, response, func(told *told) {
		report.Usage = told.usage.message()
		if told.failure != 0 {
			report.StatusCode, report.ErrorBody = int32(told.failure), told.failureBody
		}
		key.lease.settle(report)
	})
}

// The beginning of an error's body, which stays readable as a whole. Empty where it is compressed.
func peek(response *http.Response) string {
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return ""
	}
	body := response.Body
	start, err := io.ReadAll(io.LimitReader(body, errorBodyBytesMax))
	rest := io.Reader(body)
	if err != nil {
		rest = failing{err}
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), rest), body}
	return strings.ToValidUTF8(string(start), "\uFFFD")
}

// A reader that repeats the error which the reader before it met.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

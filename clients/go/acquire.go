package keylease

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	mathrand "math/rand/v2"

	"google.golang.org/grpc/codes"
)

const (
	retryPauseMin = 50 * time.Millisecond
	retryPauseMax = 500 * time.Millisecond
)

// Leases a key, or answers the fallback of the pool where the server is away and there is one.
func (c *Client) acquire(ctx context.Context, demand Demand) (*Key, error) {
	key, err := c.lease(ctx, demand, nil)
	if err == nil {
		return key, nil
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return nil, err
	}
	if fallback, ok := c.options.fallbacks[demand.Pool]; ok && refusal.Code == codes.Unavailable {
		c.fallbacks.Add(1)
		c.options.logger.WarnContext(ctx, "keylease is away, the call is made with the fallback credential", "pool", demand.Pool, "error", err)
		return newFallbackKey(c, demand.Pool, fallback), nil
	}
	c.refusals.Add(1)
	return nil, err
}

// Asks until the server answers, or was away for longer than the deadline. The request id makes it one lease, however often it is asked for.
func (c *Client) lease(ctx context.Context, demand Demand, exclude []string) (*Key, error) {
	bounded, cancel := context.WithTimeout(ctx, c.options.deadline+demand.MaxWait)
	defer cancel()
	request := demand.request(rand.Text(), exclude)
	var away time.Time
	for pause := retryPauseMin; ; pause = min(2*pause, retryPauseMax) {
		response, err := c.calls.AcquireKey(bounded, request)
		switch {
		case err == nil && response.GetCredential() != nil:
			c.leases.Add(1)
			return newKey(c, demand, response), nil
		case err == nil: // The lease that this request id names has ended meanwhile.
			request.RequestId = rand.Text()
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !isAway(err) || bounded.Err() != nil:
			return nil, refusalOf(err)
		case away.IsZero():
			away = time.Now()
		case time.Since(away) > c.options.deadline:
			return nil, refusalOf(err)
		}
		select {
		case <-time.After(time.Duration((0.5 + mathrand.Float64()/2) * float64(pause))):
		case <-bounded.Done():
		}
	}
}

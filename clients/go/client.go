// Package keylease leases upstream API keys from a keylease server: lease a key, call the provider yourself, and what the
// provider answered goes back to the server.
//
// [Client.Transport] does all of it beneath an [http.Client], [Client.WithKey] around a function of yours.
package keylease

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/keylease/keylease/clients/go/keyleasev1"
)

// A client looks for a server that is away at least this often, so that a restart is noticed soon.
const reconnectWithin = time.Second

// Client leases keys from one server. It is safe for concurrent use; a program needs one. Close it at the end.
type Client struct {
	options options
	conn    *grpc.ClientConn
	calls   keyleasev1.KeyLeaseServiceClient
	reports *reportQueue
	hosts   hosts
	// Done once the client is closed: renewals under way end with it.
	context context.Context
	cancel  context.CancelFunc
	closing sync.Once

	leases, refusals, retries, fallbacks atomic.Uint64
}

// Stats counts what a client did since it was made.
type Stats struct {
	// Leases that were granted.
	Leases uint64
	// Refusals: demands for which no key was leased.
	Refusals uint64
	// Retries: calls that were made again on another key.
	Retries uint64
	// Fallbacks: calls made with a fallback credential because the server was away.
	Fallbacks uint64
	// ReportsWaiting: reports that are still to be sent.
	ReportsWaiting int
	// ReportsLost: reports that gave way to newer ones, that the server did not accept, or that were left at the end.
	ReportsLost uint64
}

// New makes a client for the server at target: "host:port", or "unix:/path" for a socket. It connects when it is first used.
//
// Loopback and sockets are called in plain text, everything else over TLS, unless [WithTLS] or [WithInsecure] says otherwise.
func New(target string, opts ...Option) (*Client, error) {
	chosen := defaults()
	for _, option := range opts {
		option(&chosen)
	}
	if err := chosen.check(); err != nil {
		return nil, err
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transportCredentials(target, chosen)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnectWithin},
			MinConnectTimeout: reconnectWithin,
		}),
	}
	if chosen.token != "" {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer{token: chosen.token, inClear: isLocal(target) && chosen.tls == nil}))
	}
	conn, err := grpc.NewClient(target, append(dial, chosen.dial...)...)
	if err != nil {
		return nil, fmt.Errorf("keylease: the server's address %q: %w", target, err)
	}
	client := &Client{options: chosen, conn: conn, calls: keyleasev1.NewKeyLeaseServiceClient(conn), hosts: newHosts(chosen.hosts)}
	client.context, client.cancel = context.WithCancel(context.Background())
	client.reports = newReportQueue(chosen.reportsMax, chosen.deadline, chosen.logger)
	return client, nil
}

// Close sends the reports that still wait, for at most the deadline of a call, and ends the connection. What could not be sent
// is lost and named in the error. Calls that still run go on; nothing is reported about them any more.
func (c *Client) Close() error {
	var err error
	c.closing.Do(func() {
		left := c.reports.close(c.options.deadline)
		c.cancel()
		err = c.conn.Close()
		if left > 0 {
			err = errors.Join(err, fmt.Errorf("keylease: %d reports could not be sent", left))
		}
	})
	return err
}

// Stats tells what the client did so far.
func (c *Client) Stats() Stats {
	waiting, lost := c.reports.counts()
	return Stats{
		Leases: c.leases.Load(), Refusals: c.refusals.Load(), Retries: c.retries.Load(), Fallbacks: c.fallbacks.Load(),
		ReportsWaiting: waiting, ReportsLost: lost,
	}
}

// Transport answers a RoundTripper that puts a leased key of the pool on each request and reports each response. An empty pool
// is the server's only one, or the one called "default".
//
// Model and estimates are read from a JSON body that can be read twice (GetBody, as [http.NewRequest] sets it), which is also what
// makes a retry on another key possible; [ContextWithDemand] tells the rest. A request to a host that is not one of the pool's
// fails, a redirect there too.
func (c *Client) Transport(pool string) http.RoundTripper {
	return &transport{client: c, pool: pool}
}

func transportCredentials(target string, chosen options) credentials.TransportCredentials {
	switch {
	case chosen.tls != nil:
		return credentials.NewTLS(chosen.tls.Clone())
	case chosen.insecure || isLocal(target):
		return insecure.NewCredentials()
	default:
		return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
}

// Whether what is sent to the target stays on this machine.
func isLocal(target string) bool {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return true
	}
	address := strings.TrimPrefix(strings.TrimPrefix(target, "dns:///"), "passthrough:///")
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// The token of the caller, on every call.
type bearer struct {
	token   string
	inClear bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

// A token never leaves the machine in plain text.
func (b bearer) RequireTransportSecurity() bool { return !b.inClear }

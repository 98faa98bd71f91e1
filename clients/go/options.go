package keylease

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/grpc"
)

const (
	defaultDeadline   = 2 * time.Second
	defaultReportsMax = 1000
)

// Option changes how a client works.
type Option func(*options)

type options struct {
	deadline   time.Duration
	tls        *tls.Config
	insecure   bool
	token      string
	hosts      map[string][]string
	fallbacks  map[string]Credential
	reportsMax int
	base       http.RoundTripper
	logger     *slog.Logger
	dial       []grpc.DialOption
}

func defaults() options {
	return options{
		deadline: defaultDeadline, reportsMax: defaultReportsMax, base: http.DefaultTransport, logger: slog.New(slog.DiscardHandler),
		hosts: map[string][]string{}, fallbacks: map[string]Credential{},
	}
}

func (o options) check() error {
	var mistakes []error
	if o.deadline <= 0 {
		mistakes = append(mistakes, fmt.Errorf("keylease: a deadline of %v: expected one above 0", o.deadline))
	}
	if o.reportsMax < 1 {
		mistakes = append(mistakes, fmt.Errorf("keylease: a queue of %d reports: expected at least 1", o.reportsMax))
	}
	for pool, names := range o.hosts {
		for _, name := range names {
			if _, err := originOf(name); err != nil {
				mistakes = append(mistakes, fmt.Errorf("keylease: the hosts of pool %q: %w", pool, err))
			}
		}
	}
	for pool, credential := range o.fallbacks {
		if credential.HeaderName == "" || credential.HeaderValue == "" {
			mistakes = append(mistakes, fmt.Errorf("keylease: the fallback of pool %q needs HeaderName and HeaderValue", pool))
		}
		if credential.BaseURL == "" && len(o.hosts[pool]) == 0 {
			mistakes = append(mistakes, fmt.Errorf("keylease: the fallback of pool %q needs a BaseURL, or WithHosts", pool))
		}
	}
	return errors.Join(mistakes...)
}

// WithDeadline bounds each call to the server, default 2 s; the time that a demand may wait in line comes on top. A server that
// is away for less is waited for.
func WithDeadline(deadline time.Duration) Option {
	return func(o *options) { o.deadline = deadline }
}

// WithTLS calls the server over TLS as config says: its own authorities, a certificate of the caller.
func WithTLS(config *tls.Config) Option {
	return func(o *options) { o.tls = config }
}

// WithInsecure calls a server on another machine in plain text. The keys that it leases can then be read on the way.
func WithInsecure() Option {
	return func(o *options) { o.insecure = true }
}

// WithToken authenticates the caller by a bearer token. It is sent over TLS, to loopback or to a socket alone.
func WithToken(token string) Option {
	return func(o *options) { o.token = token }
}

// WithHosts names the only hosts to which credentials of the pool go, instead of the one that the credential itself names:
// "api.example.com" for https, or "http://127.0.0.1:8080".
func WithHosts(pool string, hosts ...string) Option {
	return func(o *options) { o.hosts[pool] = append(o.hosts[pool], hosts...) }
}

// WithFallback calls the provider with a credential of the program's own while the server is away, instead of failing. Nothing
// limits or reports those calls; [Stats] counts them. A refusal is no reason for it.
func WithFallback(pool string, credential Credential) Option {
	return func(o *options) { o.fallbacks[pool] = credential }
}

// WithReportQueue bounds how many reports wait for a server that is away, default 1000; beyond it the oldest are lost.
func WithReportQueue(reports int) Option {
	return func(o *options) { o.reportsMax = reports }
}

// WithBase makes calls to providers through another RoundTripper than [http.DefaultTransport].
func WithBase(base http.RoundTripper) Option {
	return func(o *options) { o.base = base }
}

// WithLogger tells of fallbacks and lost reports, as warnings. Default: nobody.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) { o.logger = logger }
}

// WithDialOptions adds options of gRPC, such as interceptors.
func WithDialOptions(dial ...grpc.DialOption) Option {
	return func(o *options) { o.dial = append(o.dial, dial...) }
}

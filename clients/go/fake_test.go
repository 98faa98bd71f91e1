package keylease_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	keylease "github.com/keylease/keylease/clients/go"
	"github.com/keylease/keylease/clients/go/keyleasev1"
)

const (
	realSecret  = "secret-of-key"
	leaseMillis = 60_000
)

// A server that grants everything, remembers what it was asked, and can be told to answer otherwise.
type fake struct {
	keyleasev1.UnimplementedKeyLeaseServiceServer
	target  string
	baseURL string

	onAcquire func(context.Context, int) error
	onReport  func(*keyleasev1.ReportHeadersRequest) keyleasev1.RetryAction
	ttl       time.Duration

	renewFailure error
	// Ends the server.
	stop func()

	mu sync.Mutex
	asked
}

// What a server was asked so far.
type asked struct {
	acquires []*keyleasev1.AcquireKeyRequest
	tokens   []string
	reports  []*keyleasev1.ReportHeadersRequest
	releases int
	renewals int
}

// Serves on a socket until the test ends; the goroutines of both sides are then gone.
func newFake(t *testing.T, options ...grpc.ServerOption) *fake {
	t.Helper()
	noGoroutinesLeft(t)
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{target: "unix:" + path, ttl: leaseMillis * time.Millisecond}
	f.serve(t, listener, options...)
	return f
}

func noGoroutinesLeft(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

func (f *fake) serve(t *testing.T, listener net.Listener, options ...grpc.ServerOption) {
	server := grpc.NewServer(options...)
	keyleasev1.RegisterKeyLeaseServiceServer(server, f)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	f.stop = server.Stop
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
}

func (f *fake) AcquireKey(ctx context.Context, request *keyleasev1.AcquireKeyRequest) (*keyleasev1.AcquireKeyResponse, error) {
	f.mu.Lock()
	f.acquires = append(f.acquires, request)
	count := len(f.acquires)
	values, _ := metadata.FromIncomingContext(ctx)
	f.tokens = append(f.tokens, values.Get("authorization")...)
	f.mu.Unlock()
	if f.onAcquire != nil {
		if err := f.onAcquire(ctx, count); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	return &keyleasev1.AcquireKeyResponse{
		Lease: &keyleasev1.Lease{
			LeaseId: fmt.Sprint("lease-", count), KeyId: fmt.Sprint("key-", count), AcquireTime: timestamppb.New(now), ExpireTime: timestamppb.New(now.Add(f.ttl)),
		},
		Credential: &keyleasev1.Credential{
			Secret: realSecret, HeaderName: "x-api-key", HeaderValue: realSecret, Headers: map[string]string{"anthropic-version": "1"}, BaseUrl: f.baseURL,
		},
		Waited: durationpb.New(0),
	}, nil
}

func (f *fake) ReportHeaders(_ context.Context, request *keyleasev1.ReportHeadersRequest) (*keyleasev1.ReportHeadersResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports = append(f.reports, request)
	action := keyleasev1.RetryAction_RETRY_ACTION_NONE
	if f.onReport != nil {
		action = f.onReport(request)
	}
	return &keyleasev1.ReportHeadersResponse{Retry: &keyleasev1.RetryAdvice{Action: action}}, nil
}

func (f *fake) RenewLease(context.Context, *keyleasev1.RenewLeaseRequest) (*keyleasev1.RenewLeaseResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.renewals++
	return &keyleasev1.RenewLeaseResponse{}, f.renewFailure
}

func (f *fake) ReleaseLease(context.Context, *keyleasev1.ReleaseLeaseRequest) (*keyleasev1.ReleaseLeaseResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.releases++
	return &keyleasev1.ReleaseLeaseResponse{}, nil
}

func (f *fake) seen() asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func otherKey(*keyleasev1.ReportHeadersRequest) keyleasev1.RetryAction {
	return keyleasev1.RetryAction_RETRY_ACTION_OTHER_KEY
}

// A provider for the fake server, and a client of both.
func (f *fake) with(t *testing.T, provider http.HandlerFunc, options ...keylease.Option) (*keylease.Client, string) {
	t.Helper()
	stand := httptest.NewServer(provider)
	t.Cleanup(stand.Close)
	f.baseURL = stand.URL
	return f.client(t, options...), stand.URL
}

func (f *fake) client(t *testing.T, options ...keylease.Option) *keylease.Client {
	t.Helper()
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	client, err := keylease.New(f.target, append([]keylease.Option{keylease.WithBase(base)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func ok(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("content-type", "application/json")
	fmt.Fprint(w, `{"usage":{"input_tokens":3,"output_tokens":4}}`)
}

// Waits until it is so, and fails where it never is.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 1000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

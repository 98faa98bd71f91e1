package keylease_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	keylease "github.com/keylease/keylease/clients/go"
)

func neverCalled(context.Context, *keylease.Key) (*http.Response, error) {
	return nil, errors.New("the call was made")
}

func fallback(baseURL string) keylease.Option {
	return keylease.WithFallback("", keylease.Credential{HeaderName: "x-api-key", HeaderValue: "mine", BaseURL: baseURL})
}

func TestADemandThatIsRepeatedStaysOneDemand(t *testing.T) {
	f := newFake(t)
	f.onAcquire = func(_ context.Context, count int) error {
		if count < 3 {
			return status.Error(codes.Unavailable, "the store is lost")
		}
		return nil
	}
	client, _ := f.with(t, ok)
	response, err := client.WithKey(context.Background(), keylease.Demand{Pool: "p"}, func(context.Context, *keylease.Key) (*http.Response, error) {
		return nil, nil
	})
	if response != nil || err != nil {
		t.Fatal(response, err)
	}
	asked := f.seen().acquires
	if len(asked) != 3 || len(asked[0].RequestId) < 26 || asked[0].RequestId != asked[1].RequestId || asked[1].RequestId != asked[2].RequestId {
		t.Errorf("asked %v", asked)
	}
}

func TestARefusalSaysWhyAndWhenToAskAgain(t *testing.T) {
	f := newFake(t)
	f.onAcquire = func(context.Context, int) error {
		told, err := status.New(codes.ResourceExhausted, "none of 2 keys has room").WithDetails(
			&errdetails.ErrorInfo{Reason: "ALL_KEYS_EXHAUSTED", Domain: "keylease", Metadata: map[string]string{"keys": "2"}},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)},
		)
		if err != nil {
			return err
		}
		return told.Err()
	}
	client, url := f.with(t, ok)
	fallen := f.client(t, fallback(url))
	for _, client := range []*keylease.Client{client, fallen} {
		_, err := client.WithKey(context.Background(), keylease.Demand{}, neverCalled)
		var refusal *keylease.Refusal
		if !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		if refusal.Code != codes.ResourceExhausted || refusal.Reason != "ALL_KEYS_EXHAUSTED" || refusal.RetryAfter != 7*time.Second || refusal.Counts["keys"] != "2" {
			t.Errorf("%+v", refusal)
		}
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "none of 2 keys has room") {
			t.Errorf("%v", err)
		}
		if stats := client.Stats(); stats.Refusals != 1 || stats.Fallbacks != 0 {
			t.Errorf("%+v", stats)
		}
	}
}

func TestAServerThatDoesNotAnswerIsAway(t *testing.T) {
	for name, row := range map[string]struct {
		hasFallback bool
		reason      string
	}{
		"the call fails": {reason: keylease.ReasonUnavailable},
		"or is made with the fallback, by choice": {hasFallback: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.onAcquire = func(ctx context.Context, _ int) error {
				<-ctx.Done()
				return ctx.Err()
			}
			var options []keylease.Option
			var key string
			client, url := f.with(t, func(w http.ResponseWriter, r *http.Request) { key = r.Header.Get("x-api-key") })
			if row.hasFallback {
				options = append(options, fallback(url))
			}
			client = f.client(t, append(options, keylease.WithDeadline(30*time.Millisecond))...)
			response, err := (&http.Client{Transport: client.Transport("")}).Get(url)
			var refusal *keylease.Refusal
			if errors.As(err, &refusal) == row.hasFallback {
				t.Fatal(response, err)
			}
			if row.hasFallback {
				response.Body.Close()
				if key != "mine" || client.Stats().Fallbacks != 1 || len(f.seen().reports) != 0 {
					t.Errorf("key %q, %+v", key, client.Stats())
				}
			} else if refusal.Reason != row.reason || key != "" {
				t.Errorf("%+v, key %q", refusal, key)
			}
		})
	}
}

func TestACallerThatLeavesIsNotRefused(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(context.Background())
	f.onAcquire = func(asked context.Context, _ int) error {
		cancel()
		<-asked.Done()
		return asked.Err()
	}
	client, url := f.with(t, ok)
	client = f.client(t, fallback(url), keylease.WithDeadline(time.Minute))
	_, err := client.WithKey(ctx, keylease.Demand{}, neverCalled)
	if !errors.Is(err, context.Canceled) || client.Stats() != (keylease.Stats{}) {
		t.Errorf("%v, %+v", err, client.Stats())
	}
}

func TestTheDemandReachesTheServer(t *testing.T) {
	f := newFake(t)
	client, _ := f.with(t, ok)
	demand := keylease.Demand{
		Pool: "p", Model: "m", InputTokens: 1, OutputTokens: 2, MaxWait: 3 * time.Second, TTL: 4 * time.Second, Affinity: "a", Priority: 5,
	}
	_, err := client.WithKey(context.Background(), demand, neverCalled)
	if err == nil {
		t.Fatal("no error")
	}
	asked := f.seen().acquires[0]
	asked.RequestId = ""
	const expected = `pool:"p" model:"m" estimated_input_tokens:1 estimated_output_tokens:2 ttl:{seconds:4} max_wait:{seconds:3} affinity:"a" priority:5`
	if found := strings.ReplaceAll(asked.String(), "  ", " "); found != expected {
		t.Errorf("asked for %s", found)
	}
	eventually(t, "the lease of a call that was not made is given back", func() bool { return f.seen().releases == 1 })
}

func TestATokenIsSentOverTLSOrOnThisMachineAlone(t *testing.T) {
	f := newFake(t)
	client := f.client(t, keylease.WithToken("token"))
	if _, err := client.WithKey(context.Background(), keylease.Demand{}, neverCalled); err == nil {
		t.Fatal("no error")
	}
	if tokens := f.seen().tokens; !slices.Equal(tokens, []string{"Bearer token"}) {
		t.Errorf("tokens %v", tokens)
	}
	if _, err := keylease.New("192.0.2.1:50051", keylease.WithToken("token"), keylease.WithInsecure()); err == nil {
		t.Error("a token would leave the machine in plain text")
	}
}

func TestAServerIsCalledOverTLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	f := newFake(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.serve(t, listener, grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	f.target = listener.Addr().String()
	trusted := f.client(t, keylease.WithTLS(&tls.Config{RootCAs: roots, ServerName: "keylease.test"}), keylease.WithToken("token"))
	if _, err := trusted.WithKey(context.Background(), keylease.Demand{}, neverCalled); err == nil || len(f.seen().acquires) != 1 {
		t.Errorf("%v, asked %d times", err, len(f.seen().acquires))
	}
	for name, config := range map[string]*tls.Config{"of an unknown authority": {ServerName: "keylease.test"}, "of another name": {RootCAs: roots, ServerName: "other.test"}} {
		other := f.client(t, keylease.WithTLS(config), keylease.WithDeadline(50*time.Millisecond))
		var refusal *keylease.Refusal
		if _, err := other.WithKey(context.Background(), keylease.Demand{}, neverCalled); !errors.As(err, &refusal) || len(f.seen().acquires) != 1 {
			t.Errorf("a server %s: %v", name, err)
		}
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"keylease.test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestAMistakeInTheOptionsIsTold(t *testing.T) {
	for name, row := range map[string]struct {
		option keylease.Option
		says   string
	}{
		"a deadline":                 {keylease.WithDeadline(0), "a deadline of 0s"},
		"a queue":                    {keylease.WithReportQueue(0), "a queue of 0 reports"},
		"a host":                     {keylease.WithHosts("p", "ftp://example.com"), `the hosts of pool "p"`},
		"a fallback without a value": {keylease.WithFallback("p", keylease.Credential{HeaderName: "x-api-key"}), `the fallback of pool "p" needs HeaderName`},
		"a fallback without a host":  {keylease.WithFallback("p", keylease.Credential{HeaderName: "x", HeaderValue: "y"}), `the fallback of pool "p" needs a BaseURL`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := keylease.New("127.0.0.1:1", row.option); err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("found %v", err)
			}
		})
	}
}

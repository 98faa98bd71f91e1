package keylease_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	keylease "github.com/keylease/keylease/clients/go"
)

func TestNothingThatPrintsAKeyPrintsItsSecret(t *testing.T) {
	f := newFake(t)
	client, url := f.with(t, ok)
	_, err := client.WithKey(context.Background(), keylease.Demand{}, func(_ context.Context, key *keylease.Key) (*http.Response, error) {
		credential := key.Credential()
		if credential.Secret != realSecret || credential.HeaderValue != realSecret || key.ID() != "key-1" || key.BaseURL() != url || key.IsFallback() {
			t.Errorf("leased %s with %d bytes", key.ID(), len(credential.Secret))
		}
		for _, value := range []any{key, credential, &credential} {
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("leased", "value", value)
			slog.New(slog.NewTextHandler(&log, nil)).Info("leased", "value", value)
			encoded, err := json.Marshal(value)
			if err != nil {
				t.Error(err)
			}
			for _, printed := range []string{fmt.Sprint(value), fmt.Sprintf("%+v %#v %s", value, value, value), log.String(), string(encoded)} {
				if strings.Contains(printed, realSecret) || printed == "" {
					t.Errorf("printed %s", printed)
				}
			}
		}
		return nil, errors.New("not called")
	})
	if err == nil {
		t.Fatal("no error")
	}
	eventually(t, "a credential that was looked at may have been sent", func() bool { return len(f.seen().reports) == 1 })
}

func TestAKeysClientLeavesTheRequestAsItWas(t *testing.T) {
	f := newFake(t)
	client, url := f.with(t, ok)
	response, err := client.WithKey(context.Background(), keylease.Demand{}, func(ctx context.Context, key *keylease.Key) (*http.Response, error) {
		request := newRequest(t, ctx, url, nil)
		response, err := key.Client().Transport.RoundTrip(request)
		if len(request.Header) != 0 {
			t.Errorf("the request has become %v", request.Header)
		}
		return response, err
	})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestALeaseOfACallThatPanicsIsGivenBack(t *testing.T) {
	f := newFake(t)
	client, _ := f.with(t, ok)
	func() {
		defer func() {
			if recover() != "oops" {
				t.Error("the panic is gone")
			}
		}()
		_, _ = client.WithKey(context.Background(), keylease.Demand{}, func(context.Context, *keylease.Key) (*http.Response, error) { panic("oops") })
	}()
	eventually(t, "it is given back", func() bool { return f.seen().releases == 1 })
}

func TestALeaseIsRenewedUntilItsCallEnds(t *testing.T) {
	for name, row := range map[string]struct {
		failure error
		least   int
		most    int
	}{
		"again and again":                             {least: 3, most: 1000},
		"and again after the server was away":         {failure: status.Error(codes.Unavailable, "away"), least: 3, most: 1000},
		"but not once the server knows nothing of it": {failure: status.Error(codes.NotFound, "no such lease"), least: 1, most: 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.ttl = 40 * time.Millisecond
			f.renewFailure = row.failure
			client, url := f.with(t, ok)
			response, err := (&http.Client{Transport: client.Transport("")}).Get(url)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is renewed", func() bool { return f.seen().renewals >= row.least })
			time.Sleep(4 * f.ttl)
			response.Body.Close()
			eventually(t, "it is settled", func() bool { return len(f.seen().reports) == 1 })
			before := f.seen().renewals
			time.Sleep(4 * f.ttl)
			if after := f.seen().renewals; before > row.most || after > before+1 { // One may have been under way.
				t.Errorf("%d renewals, then %d", before, after)
			}
		})
	}
}

func TestWhatCouldNotBeReportedIsNamedAtTheEnd(t *testing.T) {
	f := newFake(t)
	client, _ := f.with(t, ok)
	client = f.client(t, keylease.WithDeadline(300*time.Millisecond))
	_, err := client.WithKey(context.Background(), keylease.Demand{}, func(context.Context, *keylease.Key) (*http.Response, error) {
		f.stop()
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err == nil || !strings.Contains(err.Error(), "1 reports could not be sent") {
		t.Errorf("found %v", err)
	}
	if stats := client.Stats(); stats.ReportsLost != 1 || stats.ReportsWaiting != 0 || stats.Leases != 1 {
		t.Errorf("%+v", stats)
	}
}

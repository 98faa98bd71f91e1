package keylease_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	keylease "github.com/keylease/keylease/clients/go"
)

func TestALeaseIsSettledHoweverItsCallEnds(t *testing.T) {
	hold := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("content-type", "text/event-stream")
		fmt.Fprint(w, "data: {}\n\n")
		http.NewResponseController(w).Flush()
		untilGone(r)
	}
	for name, row := range map[string]struct {
		provider http.HandlerFunc
		leave    func(t *testing.T, cancel func(), send func() (*http.Response, error))
		status   int32
		reports  int
	}{
		"the program closes the body": {provider: hold, status: 200, reports: 2, leave: func(t *testing.T, _ func(), send func() (*http.Response, error)) {
			response, err := send()
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			response.Body.Close()
		}},
		"the program cancels, and forgets the body": {provider: hold, status: 200, reports: 2, leave: func(t *testing.T, cancel func(), send func() (*http.Response, error)) {
			if _, err := send(); err != nil {
				t.Fatal(err)
			}
			cancel()
		}},
		"the program cancels before an answer": {provider: func(_ http.ResponseWriter, r *http.Request) { untilGone(r) }, status: 499, reports: 1,
			leave: func(t *testing.T, cancel func(), send func() (*http.Response, error)) {
				defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
				if _, err := send(); !errors.Is(err, context.Canceled) {
					t.Errorf("found %v", err)
				}
			}},
		"the provider hangs up": {provider: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, status: 0, reports: 1,
			leave: func(t *testing.T, _ func(), send func() (*http.Response, error)) {
				if _, err := send(); err == nil {
					t.Error("no error")
				}
			}},
		"the answer has no body": {provider: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, status: 204, reports: 1,
			leave: func(t *testing.T, _ func(), send func() (*http.Response, error)) {
				if _, err := send(); err != nil {
					t.Error(err)
				}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			client, url := f.with(t, row.provider)
			ctx, cancel := context.WithCancel(keylease.ContextWithDemand(context.Background(), keylease.Demand{Once: true}))
			defer cancel()
			row.leave(t, cancel, func() (*http.Response, error) {
				return (&http.Client{Transport: client.Transport("")}).Do(newRequest(t, ctx, url, strings.NewReader(prompt)))
			})
			eventually(t, "the lease is settled", func() bool { return len(f.seen().reports) >= row.reports })
			seen := f.seen()
			last := seen.reports[len(seen.reports)-1]
			if len(seen.reports) != row.reports || last.StatusCode != row.status || last.InProgress || seen.releases != 0 {
				t.Errorf("reported %v, %d released", seen.reports, seen.releases)
			}
		})
	}
}

// A server notices that a client went away once it has read the request.
func untilGone(r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

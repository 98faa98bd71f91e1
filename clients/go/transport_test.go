package keylease_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	keylease "github.com/keylease/keylease/clients/go"
	"github.com/keylease/keylease/clients/go/keyleasev1"
)

const prompt = `{"model":"m","max_tokens":5,"messages":[{"content":"12345678"}]}`

func newRequest(t *testing.T, ctx context.Context, url string, body io.Reader) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestTheRequestGoesOutWithTheLeasedKeyAndTheCallersStaysAsItWas(t *testing.T) {
	f := newFake(t)
	var seen http.Header
	var body string
	client, url := f.with(t, func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		seen, body = r.Header, string(content)
		w.Header().Set("anthropic-ratelimit-requests-remaining", "9")
		ok(w, r)
	})
	request := newRequest(t, context.Background(), url, strings.NewReader(prompt))
	request.Header.Set("Authorization", "Bearer placeholder")
	request.Header.Set("Anthropic-Version", "2")
	response, err := (&http.Client{Transport: client.Transport("p")}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(answer), "usage") {
		t.Errorf("answered %s, %v", answer, err)
	}
	defer response.Body.Close()
	if seen.Get("X-Api-Key") != realSecret || seen.Get("Authorization") != "" || seen.Get("Anthropic-Version") != "2" || body != prompt {
		t.Errorf("sent %v %s", seen, body)
	}
	if request.Header.Get("Authorization") != "Bearer placeholder" || request.Header.Get("X-Api-Key") != "" {
		t.Errorf("the caller's request has become %v", request.Header)
	}
	if asked := f.seen().acquires[0]; asked.Pool != "p" || asked.Model != "m" || asked.GetEstimatedInputTokens() != 2 || asked.GetEstimatedOutputTokens() != 5 {
		t.Errorf("asked for %v", asked)
	}
	eventually(t, "the call is reported", func() bool { return len(f.seen().reports) == 1 })
	report := f.seen().reports[0]
	if report.LeaseId != "lease-1" || report.StatusCode != 200 || report.Usage.GetInputTokens() != 3 || report.Usage.GetOutputTokens() != 4 ||
		report.Headers["anthropic-ratelimit-requests-remaining"] != "9" || report.InProgress {
		t.Errorf("reported %v", report)
	}
	if span := report.ResponseTime.AsTime().Sub(report.RequestTime.AsTime()); span <= 0 || span > time.Minute {
		t.Errorf("answered %v after it was sent", span)
	}
}

func TestWhatTheContextTellsWinsOverWhatTheRequestSays(t *testing.T) {
	f := newFake(t)
	client, url := f.with(t, ok)
	ctx := keylease.ContextWithDemand(context.Background(), keylease.Demand{Pool: "other", Model: "mine", OutputTokens: 7, Affinity: "a"})
	response, err := (&http.Client{Transport: client.Transport("p")}).Do(newRequest(t, ctx, url, strings.NewReader(prompt)))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	asked := f.seen().acquires[0]
	if asked.Pool != "p" || asked.Model != "mine" || asked.GetEstimatedInputTokens() != 2 || asked.GetEstimatedOutputTokens() != 7 || asked.Affinity != "a" {
		t.Errorf("asked for %v", asked)
	}
}

func TestACallIsRetriedOnceAndOnlyWhereItCanBe(t *testing.T) {
	for name, row := range map[string]struct {
		body   io.Reader
		demand keylease.Demand
		advice keyleasev1.RetryAction
		calls  int32
	}{
		"on another key, as advised":               {body: strings.NewReader(prompt), advice: keyleasev1.RetryAction_RETRY_ACTION_OTHER_KEY, calls: 2},
		"without a body too":                       {advice: keyleasev1.RetryAction_RETRY_ACTION_OTHER_KEY, calls: 2},
		"not with a body that can be read once":    {body: io.NopCloser(strings.NewReader(prompt)), advice: keyleasev1.RetryAction_RETRY_ACTION_OTHER_KEY, calls: 1},
		"not where the program forbids it":         {demand: keylease.Demand{Once: true}, advice: keyleasev1.RetryAction_RETRY_ACTION_OTHER_KEY, calls: 1},
		"not where the advice is to wait":          {advice: keyleasev1.RetryAction_RETRY_ACTION_AFTER_DELAY, calls: 1},
		"not where the advice is not to try again": {advice: keyleasev1.RetryAction_RETRY_ACTION_DO_NOT_RETRY, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.onReport = func(*keyleasev1.ReportHeadersRequest) keyleasev1.RetryAction { return row.advice }
			var calls atomic.Int32
			client, url := f.with(t, func(w http.ResponseWriter, r *http.Request) {
				content, _ := io.ReadAll(r.Body)
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprintf(w, "call %d of %d bytes", calls.Add(1), len(content))
			})
			request := newRequest(t, keylease.ContextWithDemand(context.Background(), row.demand), url, row.body)
			response, err := (&http.Client{Transport: client.Transport("")}).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			answer, err := io.ReadAll(response.Body)
			if err != nil || !strings.HasPrefix(string(answer), fmt.Sprintf("call %d of", row.calls)) || (row.body != nil) != strings.Contains(string(answer), fmt.Sprint(len(prompt))) {
				t.Errorf("answered %s, %v", answer, err)
			}
			seen := f.seen()
			if calls.Load() != row.calls || len(seen.acquires) != int(row.calls) || len(seen.reports) != int(row.calls) || client.Stats().Retries != uint64(row.calls-1) {
				t.Errorf("%d calls, %d leases, %d reports", calls.Load(), len(seen.acquires), len(seen.reports))
			}
			if row.calls == 2 && fmt.Sprint(seen.acquires[1].ExcludeKeyIds) != "[key-1]" {
				t.Errorf("excluded %v", seen.acquires[1].ExcludeKeyIds)
			}
			if !strings.HasPrefix(seen.reports[0].ErrorBody, "call 1 of") {
				t.Errorf("reported %v", seen.reports[0])
			}
		})
	}
}

func TestWithoutAnotherKeyTheFirstAnswerIsGivenBackWhole(t *testing.T) {
	f := newFake(t)
	f.onReport = otherKey
	f.onAcquire = func(_ context.Context, count int) error {
		if count > 1 {
			return status.Error(codes.ResourceExhausted, "no other key")
		}
		return nil
	}
	long := strings.Repeat("x", 50<<10) + "end"
	client, url := f.with(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, long)
	})
	response, err := (&http.Client{Transport: client.Transport("")}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || string(answer) != long || response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("answered %d with %d bytes, %v", response.StatusCode, len(answer), err)
	}
	if reported := len(f.seen().reports[0].ErrorBody); reported != 16<<10 {
		t.Errorf("reported %d bytes", reported)
	}
}

func TestARequestElsewhereCarriesNoCredential(t *testing.T) {
	f := newFake(t)
	f.onReport = otherKey
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	client, url := f.with(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	send := map[string]func(url string) (*http.Response, error){
		"through the transport": func(url string) (*http.Response, error) {
			return (&http.Client{Transport: client.Transport("")}).Do(newRequest(t, context.Background(), url, strings.NewReader(prompt)))
		},
		"with a key": func(url string) (*http.Response, error) {
			return client.WithKey(context.Background(), keylease.Demand{}, func(ctx context.Context, key *keylease.Key) (*http.Response, error) {
				return key.Client().Do(newRequest(t, ctx, url, strings.NewReader(prompt)))
			})
		},
	}
	for name, send := range send {
		for _, target := range []string{other.URL, url} {
			_, err := send(target)
			var refused *keylease.HostError
			if !errors.As(err, &refused) || refused.Origin != other.URL {
				t.Errorf("%s: found %v", name, err)
			}
		}
	}
	if elsewhere.Load() != 0 || client.Stats().Retries != 0 {
		t.Errorf("%d requests elsewhere, %+v", elsewhere.Load(), client.Stats())
	}
	eventually(t, "every lease is settled or given back", func() bool {
		seen := f.seen()
		return seen.releases+len(seen.reports) == len(seen.acquires)
	})
}

func TestAnErrorInTheMiddleOfAStreamIsReportedAsWhatItIs(t *testing.T) {
	f := newFake(t)
	client, url := f.with(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("content-type", "text/event-stream")
		fmt.Fprint(w, "data: {}\n\n", `data: {"error":{"type":"overloaded_error"}}`, "\n\n")
	})
	response, err := (&http.Client{Transport: client.Transport("")}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is reported", func() bool { return len(f.seen().reports) == 2 })
	seen := f.seen().reports
	if seen[0].StatusCode != 200 || !seen[0].InProgress || seen[1].StatusCode != 529 || seen[1].ErrorBody != `{"error":{"type":"overloaded_error"}}` {
		t.Errorf("reported %v", seen)
	}
}

func TestABodyIsClosedWhereNoKeyIsLeased(t *testing.T) {
	f := newFake(t)
	f.onAcquire = func(context.Context, int) error { return status.Error(codes.NotFound, "no such pool") }
	client, url := f.with(t, ok)
	body := &closing{Reader: strings.NewReader(prompt)}
	request := newRequest(t, context.Background(), url, body)
	if _, err := client.Transport("").RoundTrip(request); status.Code(err) != codes.NotFound || !body.isClosed {
		t.Errorf("%v, closed: %v", err, body.isClosed)
	}
}

type closing struct {
	io.Reader
	isClosed bool
}

func (c *closing) Close() error {
	c.isClosed = true
	return nil
}

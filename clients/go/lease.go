package keylease

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/keylease/keylease/clients/go/keyleasev1"
)

const (
	// A body that nobody reads or closes does not hold its lease for ever.
	renewFor      = time.Hour
	renewPauseMin = 100 * time.Millisecond
	// What nginx calls a request whose client went away: the provider answered nothing, and that was no fault of the key.
	statusClientClosed = 499
)

// One lease from its grant to its settlement. The zero lease is that of a fallback: nothing is told about it.
type lease struct {
	id     string
	client *Client
	demand Demand
	ttl    time.Duration
	end    time.Time

	mu      sync.Mutex
	sentAt  time.Time
	isEnded bool
	renewal *time.Timer
}

func newLease(client *Client, demand Demand, granted *keyleasev1.Lease) *lease {
	ttl := granted.GetExpireTime().AsTime().Sub(granted.GetAcquireTime().AsTime())
	l := &lease{id: granted.GetLeaseId(), client: client, demand: demand, ttl: ttl, end: time.Now().Add(renewFor)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewal = time.AfterFunc(ttl/2, l.renew)
	return l
}

// The credential is about to leave the program.
func (l *lease) sent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sentAt.IsZero() {
		l.sentAt = time.Now()
	}
}

func (l *lease) sentTime() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sentAt
}

// Ends the lease for this client. Only the first who asks may settle it.
func (l *lease) finish() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.id == "" || l.isEnded {
		return false
	}
	l.isEnded = true
	l.renewal.Stop()
	return true
}

func (l *lease) renew() {
	bounded, cancel := context.WithTimeout(l.client.context, l.client.options.deadline)
	defer cancel()
	_, err := l.client.calls.RenewLease(bounded, &keyleasev1.RenewLeaseRequest{LeaseId: l.id, Ttl: durationpb.New(l.ttl)})
	pause := l.ttl / 2
	if err != nil {
		pause = max(l.ttl/8, renewPauseMin)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	isOver := err != nil && !isAway(err)
	if l.isEnded || isOver || l.client.context.Err() != nil || time.Now().After(l.end) {
		return
	}
	l.renewal.Reset(pause)
}

// Gives the lease back: nothing was sent.
func (l *lease) release() {
	if !l.finish() {
		return
	}
	l.client.reports.add(l.id, func(ctx context.Context) error {
		_, err := l.client.calls.ReleaseLease(ctx, &keyleasev1.ReleaseLeaseRequest{LeaseId: l.id})
		return err
	})
}

// Tells what an answer said while the call still runs.
func (l *lease) inProgress(report *keyleasev1.ReportHeadersRequest) {
	if l.id != "" {
		report.InProgress = true
		l.enqueue(report)
	}
}

// Settles the lease, when the server can be told.
func (l *lease) settle(report *keyleasev1.ReportHeadersRequest) {
	if l.finish() {
		l.enqueue(report)
	}
}

// Settles the lease now, and answers whether the server advises another key. False where it could not be asked.
func (l *lease) settleForAdvice(ctx context.Context, report *keyleasev1.ReportHeadersRequest) bool {
	if !l.finish() {
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, l.client.options.deadline)
	defer cancel()
	report.LeaseId = l.id
	response, err := l.client.calls.ReportHeaders(bounded, report)
	if err != nil {
		l.enqueue(report)
		return false
	}
	return response.GetRetry().GetAction() == keyleasev1.RetryAction_RETRY_ACTION_OTHER_KEY
}

func (l *lease) enqueue(report *keyleasev1.ReportHeadersRequest) {
	report.LeaseId = l.id
	l.client.reports.add(l.id, func(ctx context.Context) error {
		_, err := l.client.calls.ReportHeaders(ctx, report)
		return err
	})
}

// A report about a response whose headers have just arrived.
func (l *lease) reportOf(response *http.Response) *keyleasev1.ReportHeadersRequest {
	report := l.reportWithout(response.StatusCode)
	report.Headers = reportedHeaders(response.Header)
	return report
}

// A report about a call that nothing came back from. Where the program gave up, what it expected to use counts as used.
func (l *lease) reportOfFailure(ctx context.Context, err error) *keyleasev1.ReportHeadersRequest {
	if !errors.Is(err, context.Canceled) && !errors.Is(ctx.Err(), context.Canceled) {
		return l.reportWithout(0)
	}
	report := l.reportWithout(statusClientClosed)
	report.Usage = &keyleasev1.Usage{InputTokens: l.demand.InputTokens, OutputTokens: l.demand.OutputTokens}
	return report
}

func (l *lease) reportWithout(status int) *keyleasev1.ReportHeadersRequest {
	report := &keyleasev1.ReportHeadersRequest{StatusCode: int32(status), ResponseTime: timestamppb.Now()}
	if sent := l.sentTime(); !sent.IsZero() {
		report.RequestTime = timestamppb.New(sent)
	}
	return report
}

package keylease

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errAway = status.Error(codes.Unavailable, "away")

func newTestQueue(max int) *reportQueue {
	return newReportQueue(max, time.Second, slog.New(slog.DiscardHandler))
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

func TestReportsOfALeaseKeepTheirOrderThroughAnOutage(t *testing.T) {
	q := newTestQueue(100)
	var isBack atomic.Bool
	var refused atomic.Int32
	var mu sync.Mutex
	found := map[string][]int{}
	for place := range 10 {
		for lease := range 5 {
			id := fmt.Sprint(lease)
			q.add(id, func(context.Context) error {
				if !isBack.Load() {
					refused.Add(1)
					return errAway
				}
				mu.Lock()
				defer mu.Unlock()
				found[id] = append(found[id], place)
				return nil
			})
		}
	}
	if waiting, _ := q.counts(); waiting != 50 {
		t.Errorf("%d wait, expected 50", waiting)
	}
	eventually(t, "every worker met the outage twice", func() bool { return refused.Load() >= 2*reportWorkers })
	isBack.Store(true)
	if left := q.close(10 * time.Second); left != 0 {
		t.Errorf("%d left", left)
	}
	for lease, places := range found {
		if len(places) != 10 || !slices.IsSorted(places) {
			t.Errorf("lease %s: %v", lease, places)
		}
	}
	if len(found) != 5 {
		t.Errorf("%d leases", len(found))
	}
}

func TestAFullQueueLosesTheOldestAndCountsThem(t *testing.T) {
	q := newTestQueue(3)
	var underWay atomic.Int32
	held := make(chan struct{})
	for lease := range reportWorkers {
		q.add(fmt.Sprint("held", lease), func(context.Context) error {
			underWay.Add(1)
			<-held
			return nil
		})
		eventually(t, "the worker holds it", func() bool { return int(underWay.Load()) == lease+1 })
	}
	var mu sync.Mutex
	var sent []int
	for lease := range 5 {
		q.add(fmt.Sprint(lease), func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, lease)
			return nil
		})
	}
	if _, lost := q.counts(); lost != 2 {
		t.Errorf("%d lost, expected 2", lost)
	}
	close(held)
	q.close(10 * time.Second)
	slices.Sort(sent)
	if !slices.Equal(sent, []int{2, 3, 4}) {
		t.Errorf("sent %v", sent)
	}
}

func TestAReportThatTheServerDoesNotAcceptIsLostAtOnce(t *testing.T) {
	q := newTestQueue(3)
	var sent atomic.Int32
	q.add("lease", func(context.Context) error {
		sent.Add(1)
		return status.Error(codes.NotFound, "no such lease")
	})
	if left := q.close(10 * time.Second); left != 0 {
		t.Errorf("%d left", left)
	}
	if _, lost := q.counts(); lost != 1 || sent.Load() != 1 {
		t.Errorf("%d lost, sent %d times", lost, sent.Load())
	}
}

func TestAClosedQueueGivesUpInTimeAndTakesNothingMore(t *testing.T) {
	q := newTestQueue(3)
	for lease := range 2 {
		q.add(fmt.Sprint(lease), func(ctx context.Context) error {
			<-ctx.Done()
			return errAway
		})
	}
	if left := q.close(20 * time.Millisecond); left != 2 {
		t.Errorf("%d left, expected 2", left)
	}
	q.add("late", func(context.Context) error { panic("sent after the end") })
	if waiting, lost := q.counts(); waiting != 0 || lost != 3 {
		t.Errorf("%d wait, %d lost", waiting, lost)
	}
}

package keylease

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	reportWorkers    = 4
	reportRetryMin   = 100 * time.Millisecond
	reportRetryMax   = 2 * time.Second
	reportRetryGrows = 2
)

// What is to be told about a lease.
type message struct {
	leaseID string
	send    func(context.Context) error
}

// Messages to the server in the order of each lease, kept while the server is away. Bounded: the oldest give way.
type reportQueue struct {
	max      int
	deadline time.Duration
	logger   *slog.Logger
	workers  sync.WaitGroup
	// Done when nothing more is to be sent.
	context context.Context
	cancel  context.CancelFunc

	mu        sync.Mutex
	changed   sync.Cond
	waiting   []message
	underWay  map[string]bool
	lost      uint64
	isClosing bool
}

func newReportQueue(max int, deadline time.Duration, logger *slog.Logger) *reportQueue {
	q := &reportQueue{max: max, deadline: deadline, logger: logger, underWay: map[string]bool{}}
	q.changed.L = &q.mu
	q.context, q.cancel = context.WithCancel(context.Background())
	for range reportWorkers {
		q.workers.Go(q.work)
	}
	return q
}

func (q *reportQueue) add(leaseID string, send func(context.Context) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.isClosing {
		q.lost++
		return
	}
	if len(q.waiting) >= q.max {
		q.lose("the queue is full", nil)
		q.waiting = slices.Delete(q.waiting, 0, 1)
	}
	q.waiting = append(q.waiting, message{leaseID: leaseID, send: send})
	q.changed.Broadcast()
}

func (q *reportQueue) counts() (waiting int, lost uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) + len(q.underWay), q.lost
}

// Sends what waits for at most this long, and answers how much was left.
func (q *reportQueue) close(within time.Duration) int {
	timer := time.AfterFunc(within, q.cancel)
	defer timer.Stop()
	defer context.AfterFunc(q.context, q.wake)()
	q.mu.Lock()
	q.isClosing = true
	q.changed.Broadcast()
	q.mu.Unlock()
	q.workers.Wait()
	q.cancel()
	q.mu.Lock()
	defer q.mu.Unlock()
	left := len(q.waiting)
	q.waiting = nil
	q.lost += uint64(left)
	return left
}

func (q *reportQueue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changed.Broadcast()
}

func (q *reportQueue) work() {
	pause := reportRetryMin
	for {
		next, ok := q.take()
		if !ok {
			return
		}
		bounded, cancel := context.WithTimeout(q.context, q.deadline)
		err := next.send(bounded)
		cancel()
		isAgain := err != nil && (isAway(err) || q.context.Err() != nil)
		q.sent(next, err, isAgain)
		if !isAgain {
			pause = reportRetryMin
			continue
		}
		select {
		case <-time.After(pause):
		case <-q.context.Done():
		}
		pause = min(pause*reportRetryGrows, reportRetryMax)
	}
}

// The first message that none of the same lease is ahead of; false when there will be no more.
func (q *reportQueue) take() (message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.context.Err() == nil {
		place := slices.IndexFunc(q.waiting, func(m message) bool { return !q.underWay[m.leaseID] })
		if place >= 0 {
			next := q.waiting[place]
			q.waiting = slices.Delete(q.waiting, place, place+1)
			q.underWay[next.leaseID] = true
			return next, true
		}
		if q.isClosing && len(q.waiting)+len(q.underWay) == 0 {
			return message{}, false
		}
		q.changed.Wait()
	}
	return message{}, false
}

func (q *reportQueue) sent(m message, err error, isAgain bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.underWay, m.leaseID)
	switch {
	case isAgain && len(q.waiting) < q.max:
		q.waiting = slices.Insert(q.waiting, 0, m)
	case err != nil:
		q.lose("the server did not accept it, or the queue is full", err)
	}
	q.changed.Broadcast()
}

func (q *reportQueue) lose(why string, err error) {
	q.lost++
	q.logger.Warn("a report to keylease is lost", "why", why, "error", err, "lost", q.lost)
}

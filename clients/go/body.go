package keylease

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// The body of a response on its way to the program: usage is read as it passes, and the lease is settled once, at its end, when it is
// closed, or when the context of the call is done.
type watchedBody struct {
	io.ReadCloser
	stop func() bool

	mu      sync.Mutex
	scan    interface{ write([]byte) }
	told    told
	settle  func(*told)
	settled bool
}

func watch(ctx context.Context, response *http.Response, settle func(*told)) *watchedBody {
	b := &watchedBody{ReadCloser: response.Body, settle: settle}
	switch {
	case isJSON(response.Header):
		b.scan = &jsonScanner{found: &b.told}
	case isEventStream(response.Header):
		b.scan = &eventScanner{json: jsonScanner{found: &b.told}}
	default:
		b.scan = unread{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop = context.AfterFunc(ctx, b.end)
	return b
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.pass(p[:n])
	if err != nil {
		b.end()
	}
	return n, err
}

func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

func (b *watchedBody) pass(bytes []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.settled {
		b.scan.write(bytes)
	}
}

func (b *watchedBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop()
	if !b.settled {
		b.settled = true
		b.settle(&b.told)
	}
}

// A body that is not looked at.
type unread struct{}

func (unread) write([]byte) {}

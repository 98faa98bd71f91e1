package keylease

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// The origins to which the credentials of each pool may go.
type hosts struct {
	mu sync.Mutex
	// As the program named them.
	chosen map[string][]string
	// As the last credential of the pool named it, for pools of which the program says nothing.
	learnt map[string]string
}

func newHosts(chosen map[string][]string) hosts {
	origins := map[string][]string{}
	for pool, names := range chosen {
		for _, name := range names {
			if origin, err := originOf(name); err == nil {
				origins[pool] = append(origins[pool], origin)
			}
		}
	}
	return hosts{chosen: origins, learnt: map[string]string{}}
}

func (h *hosts) learn(pool, baseURL string) {
	if origin, err := originOf(baseURL); err == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.learnt[pool] = origin
	}
}

// Those of the pool, as far as they are known before a lease.
func (h *hosts) known(pool string) []string {
	if chosen := h.chosen[pool]; len(chosen) > 0 {
		return chosen
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if learnt, ok := h.learnt[pool]; ok {
		return []string{learnt}
	}
	return nil
}

// Those to which one credential may go.
func (h *hosts) of(pool string, credential Credential) []string {
	if chosen := h.chosen[pool]; len(chosen) > 0 {
		return chosen
	}
	if origin, err := originOf(credential.BaseURL); err == nil {
		return []string{origin}
	}
	return nil
}

// HostError is the error of a request to a host that is none of the pool's: it was not sent.
type HostError struct {
	// Pool whose credential was asked for.
	Pool string
	// Origin of the request, such as "https://example.com:443".
	Origin string
	// Allowed: the origins to which a credential of the pool may go.
	Allowed []string
}

func (e *HostError) Error() string {
	if len(e.Allowed) == 0 {
		return fmt.Sprintf("keylease: the credential of pool %q names no host: allow %s with WithHosts", e.Pool, e.Origin)
	}
	return fmt.Sprintf("keylease: a credential of pool %q goes to %s alone, not to %s", e.Pool, strings.Join(e.Allowed, ", "), e.Origin)
}

func checkHost(pool string, allowed []string, target *url.URL) error {
	origin := originOfURL(target)
	if slices.Contains(allowed, origin) {
		return nil
	}
	return &HostError{Pool: pool, Origin: origin, Allowed: allowed}
}

// The origin that a host or a URL names.
func originOf(name string) (string, error) {
	if !strings.Contains(name, "://") {
		name = "https://" + name
	}
	parsed, err := url.Parse(name)
	if err != nil {
		return "", fmt.Errorf("%q is neither a host nor a URL", name)
	}
	if parsed.Hostname() == "" || (parsed.Scheme != "https" && parsed.Scheme != "http") {
		return "", fmt.Errorf("%q names no host of https or http", name)
	}
	return originOfURL(parsed), nil
}

func originOfURL(target *url.URL) string {
	scheme, port := strings.ToLower(target.Scheme), target.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(target.Hostname()), port)
}

package keylease

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/keylease/keylease/clients/go/keyleasev1"
)

const redacted = "[secret]"

// Headers in which programs send a placeholder where they believe that they need a key.
var placeholders = []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// Credential is what a request to the provider carries. It prints without its secrets.
type Credential struct {
	// Secret is the API key itself.
	Secret string `json:"-"`
	// HeaderName carries HeaderValue, for example "x-api-key" or "authorization".
	HeaderName string
	// HeaderValue is ready to send, for example "Bearer ...".
	HeaderValue string `json:"-"`
	// Headers that the provider needs besides; a request that has one already keeps its own.
	Headers map[string]string
	// BaseURL is where the provider answers.
	BaseURL string
}

func (c Credential) String() string {
	return "keylease.Credential{" + c.HeaderName + ": " + redacted + "}"
}
func (c Credential) GoString() string { return c.String() }

// Key is a leased key while a call runs.
type Key struct {
	client     *Client
	pool       string
	id         string
	modelClass string
	credential Credential
	lease      *lease
	waited     time.Duration
}

func newKey(client *Client, demand Demand, granted *keyleasev1.AcquireKeyResponse) *Key {
	told := granted.GetCredential()
	credential := Credential{
		Secret: told.GetSecret(), HeaderName: told.GetHeaderName(), HeaderValue: told.GetHeaderValue(), Headers: told.GetHeaders(), BaseURL: told.GetBaseUrl(),
	}
	client.hosts.learn(demand.Pool, credential.BaseURL)
	return &Key{
		client: client, pool: demand.Pool, id: granted.GetLease().GetKeyId(), modelClass: granted.GetLease().GetModelClass(),
		credential: credential, lease: newLease(client, demand, granted.GetLease()), waited: granted.GetWaited().AsDuration(),
	}
}

func newFallbackKey(client *Client, pool string, credential Credential) *Key {
	return &Key{client: client, pool: pool, id: "fallback", credential: credential, lease: &lease{}}
}

// ID names the key in the server's configuration; "fallback" for a fallback.
func (k *Key) ID() string { return k.id }

// ModelClass names the models that share an allowance with the one that was asked for.
func (k *Key) ModelClass() string { return k.modelClass }

// BaseURL is where the provider answers, without a trailing slash.
func (k *Key) BaseURL() string { return k.credential.BaseURL }

// IsFallback tells whether it is the program's own credential, used because the server is away.
func (k *Key) IsFallback() bool { return k.lease.id == "" }

// Authorize puts the credential on a request that is about to be sent, in place of any placeholder. A request to a host that is
// none of the pool's stays as it is, and the error is a [*HostError].
//
// [http.Client] repeats such headers when it follows a redirect to another host: use [Key.Client], or one that follows none.
func (k *Key) Authorize(request *http.Request) error {
	if err := checkHost(k.pool, k.client.hosts.of(k.pool, k.credential), request.URL); err != nil {
		return err
	}
	for _, name := range placeholders {
		request.Header.Del(name)
	}
	for name, value := range k.credential.Headers {
		if request.Header.Get(name) == "" {
			request.Header.Set(name, value)
		}
	}
	request.Header.Set(k.credential.HeaderName, k.credential.HeaderValue)
	k.lease.sent()
	return nil
}

// Credential answers the credential itself, for what is not an [http.Request]. Keep it to yourself.
func (k *Key) Credential() Credential {
	k.lease.sent()
	return k.credential
}

// Client answers an HTTP client that puts the credential on each request to a host of the pool and refuses others, redirects
// included.
func (k *Key) Client() *http.Client {
	return &http.Client{Transport: authorizing{key: k}}
}

func (k *Key) String() string       { return "keylease.Key{" + k.id + "}" }
func (k *Key) GoString() string     { return k.String() }
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// A RoundTripper with one key.
type authorizing struct{ key *Key }

func (a authorizing) RoundTrip(request *http.Request) (*http.Response, error) {
	authorized := request.Clone(request.Context())
	if err := a.key.Authorize(authorized); err != nil {
		closeBody(request)
		return nil, err
	}
	return a.key.client.options.base.RoundTrip(authorized)
}

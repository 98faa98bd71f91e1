package keylease_test

import (
	"context"
	"log"
	"net/http"
	"strings"
	"time"

	keylease "github.com/keylease/keylease/clients/go"
)

func ExampleClient_Transport() {
	client, err := keylease.New("127.0.0.1:50051")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	provider := &http.Client{Transport: client.Transport("default")}

	body := strings.NewReader(`{"model":"claude-sonnet-5","max_tokens":64,"messages":[{"role":"user","content":"Say hello."}]}`)
	response, err := provider.Post("https://api.anthropic.com/v1/messages", "application/json", body)
	if err != nil {
		log.Fatal(err) // A *keylease.Refusal says why no key was leased, and when to ask again.
	}
	defer response.Body.Close()
	log.Print(response.Status)
}

func ExampleClient_WithKey() {
	client, err := keylease.New("unix:/run/keylease.sock")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	demand := keylease.Demand{Pool: "default", Model: "claude-sonnet-5", InputTokens: 1200, OutputTokens: 500, MaxWait: 10 * time.Second}
	response, err := client.WithKey(context.Background(), demand, func(ctx context.Context, key *keylease.Key) (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, key.BaseURL()+"/v1/models", nil)
		if err != nil {
			return nil, err // Nothing was sent: the lease is given back.
		}
		return key.Client().Do(request)
	})
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	log.Print(response.Status)
}

package keylease_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	keylease "github.com/keylease/keylease/clients/go"
)

type scenario struct {
	Name   string
	Via    []string
	Client struct{ Fallback string }
	Steps  []step
	Then   any
}

type step struct {
	Call   *call
	Expect outcome
	During []step

	Stop, Start, Release any
	Drain                any
	Check                any
	WaitMS               int `json:"wait_ms"`
	Stats                *struct{ Fallbacks uint64 }
}

type call struct {
	API                  string
	Stream               bool
	LeaveAfterFirstEvent bool `json:"leave_after_first_event"`
	NotSent              bool `json:"not_sent"`
	PromptTokens         int  `json:"prompt_tokens"`
	MaxTokens            int  `json:"max_tokens"`
	MaxWaitMS            int  `json:"max_wait_ms"`
}

type outcome struct {
	Outcome string
	Status  int
	Key     string
	Reason  string
}

// Every scenario of ../scenarios.yaml, each way.
func TestScenarios(t *testing.T) {
	s := newStage(t)
	var all struct{ Scenarios []scenario }
	s.ask(t, func(client *http.Client) (*http.Response, error) { return client.Get(s.Control + "/scenarios") }, &all)
	if len(all.Scenarios) < 15 {
		t.Fatalf("only %d scenarios", len(all.Scenarios))
	}
	for _, scenario := range all.Scenarios {
		ways := scenario.Via
		if len(ways) == 0 {
			ways = []string{"with_key", "transport"}
		}
		for _, way := range ways {
			t.Run(scenario.Name+", "+way, func(t *testing.T) { play(t, s, scenario, way) })
		}
	}
}

type player struct {
	stage  *stage
	client *keylease.Client
	way    string
}

func play(t *testing.T, s *stage, scenario scenario, way string) {
	s.reset(t, map[string]string{"scenario": scenario.Name})
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	options := []keylease.Option{keylease.WithHosts("", s.Provider), keylease.WithBase(base)}
	if scenario.Client.Fallback != "" {
		options = append(options, keylease.WithFallback("", keylease.Credential{HeaderName: "x-api-key", HeaderValue: scenario.Client.Fallback}))
	}
	client, err := keylease.New(s.GRPC, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	(&player{stage: s, client: client, way: way}).steps(t, scenario.Steps)
	s.check(t, scenario.Then)
}

func (p *player) steps(t *testing.T, steps []step) {
	for _, step := range steps {
		p.step(t, step)
	}
}

func (p *player) step(t *testing.T, step step) {
	t.Helper()
	switch {
	case step.Call != nil:
		p.callWhile(t, step)
	case step.Stop != nil:
		p.stage.control(t, "/stop", step.Stop, nil)
	case step.Start != nil:
		p.stage.control(t, "/start", step.Start, nil)
	case step.Release != nil:
		p.stage.control(t, "/release", step.Release, nil)
	case step.Drain != nil:
		p.stage.control(t, "/drain", step.Drain, nil)
	case step.Check != nil:
		p.stage.check(t, step.Check)
	case step.WaitMS > 0:
		time.Sleep(time.Duration(step.WaitMS) * time.Millisecond)
	case step.Stats != nil:
		if found := p.client.Stats().Fallbacks; found != step.Stats.Fallbacks {
			t.Errorf("%d fallbacks, expected %d", found, step.Stats.Fallbacks)
		}
	default:
		t.Fatalf("a step that this runner does not know: %+v", step)
	}
}

func (p *player) callWhile(t *testing.T, step step) {
	t.Helper()
	ended := make(chan outcome, 1)
	go func() { ended <- p.call(*step.Call) }()
	p.steps(t, step.During)
	found := <-ended
	expected := step.Expect
	if (expected.Outcome != "" && found.Outcome != expected.Outcome) || (expected.Status != 0 && found.Status != expected.Status) ||
		(expected.Key != "" && found.Key != expected.Key) || (expected.Reason != "" && found.Reason != expected.Reason) {
		t.Errorf("the call ended as %+v, expected %+v", found, expected)
	}
}

var errNotSent = errors.New("not sent")

func (p *player) call(c call) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	response, err := p.send(ctx, c)
	var refusal *keylease.Refusal
	if errors.As(err, &refusal) {
		return outcome{Outcome: "refused", Reason: refusal.Reason}
	}
	if err != nil {
		return outcome{Outcome: "failed", Reason: err.Error()}
	}
	defer response.Body.Close()
	found := outcome{Outcome: "answered", Status: response.StatusCode, Key: response.Header.Get("x-stand-in-key")}
	if c.LeaveAfterFirstEvent {
		_, err = bufio.NewReader(response.Body).ReadString('\n')
		found.Outcome = "left"
	} else {
		_, err = io.Copy(io.Discard, response.Body)
	}
	if err != nil {
		found.Outcome = "failed"
	}
	return found
}

func (p *player) send(ctx context.Context, c call) (*http.Response, error) {
	demand := keylease.Demand{MaxWait: time.Duration(c.MaxWaitMS) * time.Millisecond}
	if p.way == "transport" {
		request, err := c.request(keylease.ContextWithDemand(ctx, demand), p.stage.Provider)
		if err != nil {
			return nil, err
		}
		return (&http.Client{Transport: p.client.Transport("")}).Do(request)
	}
	demand.Model, demand.InputTokens, demand.OutputTokens = c.model(), uint64(c.prompt()), uint64(c.limit())
	return p.client.WithKey(ctx, demand, func(ctx context.Context, key *keylease.Key) (*http.Response, error) {
		if c.NotSent {
			return nil, errNotSent
		}
		request, err := c.request(ctx, p.stage.Provider)
		if err != nil {
			return nil, err
		}
		return key.Client().Do(request)
	})
}

func (c call) prompt() int { return max(c.PromptTokens, 16*boolToInt(c.PromptTokens == 0)) }
func (c call) limit() int  { return max(c.MaxTokens, 64*boolToInt(c.MaxTokens == 0)) }

func (c call) model() string {
	if c.API == "" {
		return "claude-sonnet-5"
	}
	return "gpt-5"
}

func (c call) request(ctx context.Context, provider string) (*http.Request, error) {
	text := strings.Repeat("word", c.prompt())
	messages := []map[string]string{{"role": "user", "content": text}}
	body := map[string]any{"model": c.model(), "stream": c.Stream}
	path := "/v1/messages"
	switch c.API {
	case "chat":
		path = "/v1/chat/completions"
		body["messages"], body["max_completion_tokens"] = messages, c.limit()
		if c.Stream {
			body["stream_options"] = map[string]bool{"include_usage": true}
		}
	case "responses":
		path = "/v1/responses"
		body["input"], body["max_output_tokens"] = text, c.limit()
	default:
		body["messages"], body["max_tokens"] = messages, c.limit()
	}
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, provider+path, strings.NewReader(string(content)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("authorization", "Bearer placeholder")
	return request, nil
}

func boolToInt(is bool) int {
	if is {
		return 1
	}
	return 0
}

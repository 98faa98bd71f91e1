package keylease

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTheDemandIsReadFromTheRequest(t *testing.T) {
	for name, row := range map[string]struct {
		path, body string
		expected   Demand
	}{
		"a message: four characters are a token": {
			body:     `{"model":"claude-sonnet-5","max_tokens":100,"system":"12345678","messages":[{"role":"user","content":"1234"}]}`,
			expected: Demand{Model: "claude-sonnet-5", InputTokens: 3, OutputTokens: 100},
		},
		"parts of a message, of which an image is no text": {
			body:     `{"model":"m","messages":[{"content":[{"type":"text","text":"1234"},{"source":{"data":"AAAAAAAAAAAAAAAA"}},{"image_url":{"url":"data:AAAAAAAA"}}]}]}`,
			expected: Demand{Model: "m", InputTokens: 1},
		},
		"a chat completion": {body: `{"model":"gpt-5","max_completion_tokens":7}`, expected: Demand{Model: "gpt-5", OutputTokens: 7}},
		"a response":        {body: `{"model":"gpt-5","max_output_tokens":7,"input":"12345"}`, expected: Demand{Model: "gpt-5", InputTokens: 2, OutputTokens: 7}},
		"Gemini names the model in the path": {
			path: "/v1beta/models/gemini-3-pro:generateContent", body: `{"generationConfig":{"maxOutputTokens":9}}`,
			expected: Demand{Model: "gemini-3-pro", OutputTokens: 9},
		},
		"Azure too": {path: "/openai/deployments/mine/chat/completions", body: `{}`, expected: Demand{Model: "mine"}},
		"a model in the middle of the body is a text": {body: `{"metadata":{"model":"1234"}}`, expected: Demand{InputTokens: 1}},
		"a limit in the middle is none":               {body: `{"tools":[{"max_tokens":5}],"max_tokens":-1}`},
		"what is no JSON tells nothing":               {body: `{"model":"m", oops`},
		"an empty body":                               {},
	} {
		t.Run(name, func(t *testing.T) {
			path := row.path
			if path == "" {
				path = "/v1/messages"
			}
			request, err := http.NewRequest(http.MethodPost, "https://example.com"+path, strings.NewReader(row.body))
			if err != nil {
				t.Fatal(err)
			}
			if found := read(request); found != row.expected {
				t.Errorf("found %+v, expected %+v", found, row.expected)
			}
			if left, _ := io.ReadAll(request.Body); string(left) != row.body {
				t.Errorf("of the body is left %q", left)
			}
		})
	}
}

func TestABodyThatCanBeReadOnceIsNotRead(t *testing.T) {
	request, err := http.NewRequest(http.MethodPost, "https://example.com", io.NopCloser(strings.NewReader(`{"model":"m"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if found := read(request); found != (Demand{}) {
		t.Errorf("found %+v", found)
	}
}

func TestOnlyHeadersAboutLimitsAreReported(t *testing.T) {
	header := http.Header{
		"Anthropic-Ratelimit-Requests-Remaining": {"5"}, "Retry-After": {"1"}, "Date": {"now"}, "X-Should-Retry": {"true"},
		"Anthropic-Organization-Id": {"o"}, "X-Amzn-Errortype": {"\xff"},
		"Set-Cookie": {"secret"}, "Content-Type": {"text/plain"}, "X-Request-Id": {"r"}, "X-Ratelimit-Junk": {strings.Repeat("x", reportedBytesMax)},
	}
	found := reportedHeaders(header)
	for name, value := range map[string]string{
		"anthropic-ratelimit-requests-remaining": "5", "retry-after": "1", "date": "now", "x-should-retry": "true",
		"anthropic-organization-id": "o", "x-amzn-errortype": "\uFFFD",
	} {
		if found[name] != value {
			t.Errorf("%s: %q, expected %q", name, found[name], value)
		}
		delete(found, name)
	}
	if len(found) > 0 {
		t.Errorf("also reported: %v", found)
	}
}

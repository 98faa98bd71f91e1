package keylease

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keylease/keylease/clients/go/keyleasev1"
)

func events(data ...string) string {
	return "event: x\ndata: " + strings.Join(data, "\n\nevent: x\ndata: ") + "\n\n"
}

func used(input, output, cacheRead, cacheCreation uint64) *keyleasev1.Usage {
	return &keyleasev1.Usage{InputTokens: input, OutputTokens: output, CacheReadInputTokens: cacheRead, CacheCreationInputTokens: cacheCreation}
}

func TestUsageIsReadFromWhatPassesBy(t *testing.T) {
	const start = `{"type":"message_start","message":{"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}}`
	for name, row := range map[string]struct {
		body     string
		isEvents bool
		expected *keyleasev1.Usage
	}{
		"a message of Anthropic": {
			body:     `{"content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":5}}`,
			expected: used(10, 5, 2, 3),
		},
		"a stream of Anthropic: the prompt at its start, the answer at its end": {
			body:     events(start, `{"type":"content_block_delta","delta":{"text":"{\"usage\":{\"input_tokens\":1}}"}}`, `{"type":"message_delta","usage":{"output_tokens":7}}`),
			isEvents: true, expected: used(9, 7, 4, 0),
		},
		"a stream of Anthropic that breaks tells nothing of the answer, so that the estimate stands": {body: events(start), isEvents: true},
		"a chat completion counts cached tokens within the prompt's": {
			body:     `{"usage":{"prompt_tokens":30,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":20}}}`,
			expected: used(10, 4, 20, 0),
		},
		"a stream of chat completions tells it in the last chunk": {
			body:     events(`{"choices":[],"usage":null}`, `{"choices":[],"usage":{"prompt_tokens":6,"completion_tokens":3}}`, "[DONE]"),
			isEvents: true, expected: used(6, 3, 0, 0),
		},
		"a response of OpenAI": {
			body:     `{"usage":{"input_tokens":12,"output_tokens":2,"input_tokens_details":{"cached_tokens":5}}}`,
			expected: used(7, 2, 5, 0),
		},
		"a stream of responses tells it in response.completed": {
			body: events(`{"type":"response.created","response":{"usage":null}}`,
				`{"type":"response.completed","response":{"output":[{"usage":{"input_tokens":1}}],"usage":{"input_tokens":8,"output_tokens":9}}}`),
			isEvents: true, expected: used(8, 9, 0, 0),
		},
		"a list of Gemini's: the last one counts, thoughts are output": {
			body: `[{"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1}},
				{"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":3,"thoughtsTokenCount":4,"cachedContentTokenCount":2}}]`,
			expected: used(3, 7, 2, 0),
		},
		"lines that end in CRLF": {
			body:     strings.ReplaceAll(events(`{"usage":{"prompt_tokens":6,"completion_tokens":3}}`), "\n", "\r\n"),
			isEvents: true, expected: used(6, 3, 0, 0),
		},
		"an event that is cut short does not hide the next": {
			body:     events(`{"a":{"b":"`, `{"usage":{"prompt_tokens":6,"completion_tokens":3}}`),
			isEvents: true, expected: used(6, 3, 0, 0),
		},
		"a usage deeper inside is another one":        {body: `{"content":[{"usage":{"input_tokens":1}}],"tool":{"usage":{"input_tokens":2}}}`},
		"a text that looks like usage is a text":      {body: `{"text":"\"usage\":{\"input_tokens\":1}","usage":"\\"}`},
		"a quote within a text does not end it":       {body: `{"a":"\"","usage":{"input_tokens":1,"output_tokens":2}}`, expected: used(1, 2, 0, 0)},
		"an embedding tells no output":                {body: `{"usage":{"prompt_tokens":8,"total_tokens":8}}`, expected: used(8, 0, 0, 0)},
		"a field of another type tells nothing":       {body: `{"usage":{"input_tokens":"many","output_tokens":5}}`, expected: used(0, 5, 0, 0)},
		"more cached than there were is all of them":  {body: `{"usage":{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":9}}}`, expected: used(0, 0, 9, 0)},
		"a usage that is longer than any is left out": {body: `{"usage":{"input_tokens":1,"x":"` + strings.Repeat("x", keptBytesMax) + `"}}`},
		"brackets that were never opened do no harm":  {body: `]}]}{"usage":{"input_tokens":1}}`, expected: used(1, 0, 0, 0)},
		"an empty body": {},
		"usage beside names that are longer than most": {body: `{"` + strings.Repeat("usage", 9) + `":{"input_tokens":1}}`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 7, len(row.body) + 1} {
				if found := scan(row.body, row.isEvents, size).usage.message(); found.String() != row.expected.String() {
					t.Errorf("in pieces of %d: found %v, expected %v", size, found, row.expected)
				}
			}
		})
	}
}

func TestAnErrorInTheMiddleOfAStreamIsFound(t *testing.T) {
	for name, row := range map[string]struct {
		event    string
		expected int
	}{
		"of Anthropic":              {`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, 529},
		"of a chat completion":      {`{"error":{"code":"rate_limit_exceeded","type":"tokens"}}`, http.StatusTooManyRequests},
		"of a response":             {`{"type":"response.failed","response":{"error":{"code":"server_error"}}}`, http.StatusInternalServerError},
		"of a kind that is unknown": {`{"error":{"type":"teapot"}}`, 0},
		"none":                      {`{"error":null}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found := scan(events(row.event), true, 5)
			if found.failure != row.expected || (found.failure != 0) != strings.HasPrefix(found.failureBody, `{"error":{`) {
				t.Errorf("found %d %s, expected %d", found.failure, found.failureBody, row.expected)
			}
		})
	}
}

func scan(body string, isEvents bool, size int) *told {
	found := &told{}
	var scanner interface{ write([]byte) } = &jsonScanner{found: found}
	if isEvents {
		scanner = &eventScanner{json: jsonScanner{found: found}}
	}
	for start := 0; start < len(body); start += size {
		scanner.write([]byte(body[start:min(start+size, len(body))]))
	}
	return found
}

// What passes by is hostile at worst: nothing of it may break the program.
func FuzzScan(f *testing.F) {
	f.Add(`{"usage":{"input_tokens":10}}`)
	f.Add("data: {\"message\":{\"usage\":{}}}\n\n")
	f.Fuzz(func(t *testing.T, body string) {
		scan(body, false, 3)
		scan(body, true, 3)
	})
}

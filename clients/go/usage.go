package keylease

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/keylease/keylease/clients/go/keyleasev1"
)

// What a body told while it passed by.
type told struct {
	usage usage
	// An error in the middle of a response whose status was a success: what its status would have been, and its body; 0: none.
	failure     int
	failureBody string
}

// What errors in the middle of a stream would have been as a status.
var statusOfFailure = map[string]int{
	"overloaded_error":     529,
	"rate_limit_error":     http.StatusTooManyRequests,
	"rate_limit_exceeded":  http.StatusTooManyRequests,
	"authentication_error": http.StatusUnauthorized,
	"permission_error":     http.StatusForbidden,
	"api_error":            http.StatusInternalServerError,
	"server_error":         http.StatusInternalServerError,
}

func (t *told) fail(raw []byte) {
	var fields struct{ Type, Code any }
	_ = json.Unmarshal(raw, &fields)
	for _, name := range []any{fields.Type, fields.Code} {
		text, _ := name.(string)
		if status := statusOfFailure[text]; status != 0 && t.failure == 0 {
			t.failure, t.failureBody = status, strings.ToValidUTF8(`{"error":`+string(raw)+"}", "\uFFFD")
		}
	}
}

// Tokens that a call used, as far as the answer has told.
type usage struct {
	input, output, cacheRead, cacheCreation uint64
	// Whether anything was told, and whether it was about the whole call: a stream tells the prompt's tokens first.
	isTold, isWhole bool
}

// The shapes in which providers tell it: Anthropic's, OpenAI's two, Gemini's.
type usageFields struct {
	Input         *uint64 `json:"input_tokens"`
	Output        *uint64 `json:"output_tokens"`
	CacheRead     *uint64 `json:"cache_read_input_tokens"`
	CacheCreation *uint64 `json:"cache_creation_input_tokens"`
	InputDetails  struct {
		Cached uint64 `json:"cached_tokens"`
	} `json:"input_tokens_details"`

	Prompt        *uint64 `json:"prompt_tokens"`
	Completion    *uint64 `json:"completion_tokens"`
	PromptDetails struct {
		Cached uint64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`

	PromptCount     *uint64 `json:"promptTokenCount"`
	CandidatesCount *uint64 `json:"candidatesTokenCount"`
	ThoughtsCount   *uint64 `json:"thoughtsTokenCount"`
	CachedCount     uint64  `json:"cachedContentTokenCount"`
}

// Adds what one usage object tells: later ones say more.
func (u *usage) add(raw []byte, isWhole bool) {
	var fields usageFields
	_ = json.Unmarshal(raw, &fields) // A field of another type tells nothing; the others still do.
	u.addPrompt(fields.Input, fields.InputDetails.Cached)
	u.addPrompt(fields.Prompt, fields.PromptDetails.Cached)
	u.addPrompt(fields.PromptCount, fields.CachedCount)
	u.set(&u.cacheRead, fields.CacheRead)
	u.set(&u.cacheCreation, fields.CacheCreation)
	u.set(&u.output, fields.Output)
	u.set(&u.output, fields.Completion)
	u.set(&u.output, fields.CandidatesCount)
	if fields.ThoughtsCount != nil {
		u.output += *fields.ThoughtsCount
	}
	u.isWhole = u.isWhole || (isWhole && u.isTold)
}

// Some count cached tokens within the prompt's.
func (u *usage) addPrompt(tokens *uint64, cached uint64) {
	if tokens == nil {
		return
	}
	u.isTold = true
	u.input = *tokens - min(cached, *tokens)
	if cached > 0 {
		u.cacheRead = cached
	}
}

func (u *usage) set(field, told *uint64) {
	if told != nil {
		*field, u.isTold = *told, true
	}
}

// Unset where the answer told nothing, or not all, as where a stream breaks: the estimate stands.
func (u *usage) message() *keyleasev1.Usage {
	if !u.isTold || !u.isWhole {
		return nil
	}
	return &keyleasev1.Usage{
		InputTokens: u.input, OutputTokens: u.output, CacheReadInputTokens: u.cacheRead, CacheCreationInputTokens: u.cacheCreation,
	}
}

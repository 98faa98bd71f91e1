package keylease

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Characters of a prompt that are taken as one token.
const charactersPerToken = 4

// Where Gemini and Azure name the model: in the path.
var modelInPath = regexp.MustCompile(`/(?:models|deployments)/([^/:]+)`)

// What the request itself tells about its demand: the model, a token for every four characters of text, and the output that it allows.
func read(request *http.Request) Demand {
	var demand Demand
	if body := bodyOf(request); body != nil {
		defer body.Close()
		demand = readBody(body)
	}
	if match := modelInPath.FindStringSubmatch(request.URL.Path); demand.Model == "" && match != nil {
		demand.Model = match[1]
	}
	return demand
}

// Reads JSON token by token, so that nothing of a long prompt is kept. What is no JSON tells nothing.
func readBody(body io.Reader) Demand {
	var demand Demand
	decoder := json.NewDecoder(body)
	characters := 0
	var open []json.Delim
	var name string
	isName := false
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return Demand{}
		}
		if delim, ok := token.(json.Delim); ok {
			open = nested(open, delim)
			isName = isObject(open)
			continue
		}
		if isName {
			name, isName = token.(string), false
			continue
		}
		isName = isObject(open)
		switch value := token.(type) {
		case string:
			if len(open) == 1 && name == "model" {
				demand.Model = value
			} else if isText(name, value) {
				characters += utf8.RuneCountInString(value)
			}
		case float64:
			if isOutputLimit(open, name) && value > 0 {
				demand.OutputTokens = uint64(value)
			}
		}
	}
	demand.InputTokens = uint64((characters + charactersPerToken - 1) / charactersPerToken)
	return demand
}

func nested(open []json.Delim, delim json.Delim) []json.Delim {
	if delim == '{' || delim == '[' {
		return append(open, delim)
	}
	return open[:len(open)-1]
}

func isObject(open []json.Delim) bool {
	return len(open) > 0 && open[len(open)-1] == '{'
}

// Images and files are text only on the wire; how many tokens they are, nobody can tell from their length.
func isText(name, value string) bool {
	switch name {
	case "data", "file_data", "url", "role", "type":
		return false
	default:
		return !strings.HasPrefix(value, "data:")
	}
}

func isOutputLimit(open []json.Delim, name string) bool {
	switch name {
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		return len(open) == 1
	case "maxOutputTokens": // Gemini: generationConfig.
		return len(open) == 2
	default:
		return false
	}
}

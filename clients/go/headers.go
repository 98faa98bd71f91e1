package keylease

import (
	"net/http"
	"regexp"
	"strings"
)

// Headers that tell about limits, about whose they are, and about when; nothing else of a response leaves the program.
var reported = regexp.MustCompile(`^date$|limit|retry|remaining|reset|quota|errortype|organization|project`)

var jsonType = regexp.MustCompile(`(?i)^application/(?:[\w.+-]+\+)?json\b`)

// The server takes 256 headers of 16 KiB together.
const (
	reportedHeadersMax = 200
	reportedBytesMax   = 12 << 10
)

func reportedHeaders(header http.Header) map[string]string {
	chosen := map[string]string{}
	bytes := 0
	for name, values := range header {
		name = strings.ToLower(name)
		if !reported.MatchString(name) {
			continue
		}
		value := strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD")
		if size := len(name) + len(value); len(chosen) < reportedHeadersMax && bytes+size <= reportedBytesMax {
			chosen[name] = value
			bytes += size
		}
	}
	return chosen
}

// Compressed bodies are looked at no more than others: [http.Transport] has unpacked those that the program did not ask for.
func isJSON(header http.Header) bool {
	return jsonType.MatchString(header.Get("Content-Type"))
}

func isEventStream(header http.Header) bool {
	return strings.HasPrefix(strings.ToLower(header.Get("Content-Type")), "text/event-stream")
}

package keylease

import "slices"

const (
	// Longer usage and error objects are passed over.
	keptBytesMax = errorBodyBytesMax
	nameBytesMax = 16
)

// Finds the usage and error objects in JSON that passes by, and keeps nothing else of it. Elements of an outermost list and values that
// follow one another are documents of their own.
type jsonScanner struct {
	found *told

	depth    int
	isObject [3]bool
	names    [3]string // The name at which each of the outer two objects is.
	atName   bool      // The next string is a name.

	inString, isEscaped bool
	name                []byte
	keepsName           bool

	kept      []byte
	keptDepth int // Of the object that is being kept; 0: none.
}

func (s *jsonScanner) write(bytes []byte) {
	for _, c := range bytes {
		s.next(c)
	}
}

func (s *jsonScanner) next(c byte) {
	if s.keptDepth > 0 {
		s.kept = append(s.kept, c)
		if len(s.kept) > keptBytesMax {
			s.kept, s.keptDepth = nil, 0
		}
	}
	if s.inString {
		s.nextOfString(c)
		return
	}
	switch c {
	case '"':
		s.inString, s.keepsName, s.atName = true, s.atName, false
		s.name = s.name[:0]
	case '{':
		s.open(true)
	case '[':
		if s.depth > 0 {
			s.open(false)
		}
	case '}', ']':
		if s.depth > 0 {
			s.close()
		}
	case ',':
		s.atName = s.depth > 0 && s.depth < len(s.names) && s.isObject[s.depth]
	}
}

func (s *jsonScanner) nextOfString(c byte) {
	switch {
	case s.isEscaped:
		s.isEscaped = false
	case c == '\\':
		s.isEscaped = true
	case c == '"':
		s.inString = false
		if s.keepsName {
			s.names[s.depth] = string(s.name)
		}
		return
	}
	if s.keepsName && len(s.name) < nameBytesMax {
		s.name = append(s.name, c)
	}
}

func (s *jsonScanner) open(isObject bool) {
	if isObject && s.keptDepth == 0 && s.isAt("usage", "usageMetadata", "error") {
		s.kept, s.keptDepth = append(s.kept[:0], '{'), s.depth+1
	}
	s.depth++
	s.atName = isObject && s.depth < len(s.names)
	if s.depth < len(s.names) {
		s.isObject[s.depth], s.names[s.depth] = isObject, ""
	}
}

func (s *jsonScanner) close() {
	if s.depth == s.keptDepth {
		s.keptDepth, s.depth = 0, s.depth-1
		if s.isAt("error") {
			s.found.fail(s.kept)
		} else {
			s.found.usage.add(s.kept, s.names[1] != "message")
		}
	} else {
		s.depth--
	}
	s.atName = false
}

// Whether the value that is next has one of the names: in the document, in Anthropic's message_start, or in OpenAI's response events.
func (s *jsonScanner) isAt(names ...string) bool {
	switch s.depth {
	case 1:
		return slices.Contains(names, s.names[1])
	case 2:
		return slices.Contains(names, s.names[2]) && (s.names[1] == "message" || s.names[1] == "response")
	default:
		return false
	}
}

// Forgets a document that was not complete.
func (s *jsonScanner) reset() {
	*s = jsonScanner{found: s.found, name: s.name[:0], kept: s.kept[:0]}
}

// Finds the data of server-sent events that pass by.
type eventScanner struct {
	json jsonScanner
	// How much of "data:" the line begins with; -1: it is another one.
	matched int
}

const dataField = "data:"

func (e *eventScanner) write(bytes []byte) {
	for _, c := range bytes {
		switch {
		case c == '\r':
		case c == '\n':
			if e.matched == 0 {
				e.json.reset()
			}
			e.matched = 0
		case e.matched == len(dataField):
			e.json.next(c)
		case e.matched >= 0 && c == dataField[e.matched]:
			e.matched++
		default:
			e.matched = -1
		}
	}
}

package keylease

import (
	"errors"
	"net/url"
	"testing"
)

func TestACredentialGoesToTheHostsOfItsPoolAlone(t *testing.T) {
	for name, row := range map[string]struct {
		chosen    []string
		baseURL   string
		target    string
		isAllowed bool
	}{
		"where the credential says":                    {baseURL: "https://api.example.com/v1", target: "https://api.example.com/v1/messages", isAllowed: true},
		"the same host in other letters, port written": {baseURL: "https://api.example.com", target: "https://API.example.com:443/", isAllowed: true},
		"another host":                         {baseURL: "https://api.example.com", target: "https://example.com/"},
		"a host that begins the same":          {baseURL: "https://api.example.com", target: "https://api.example.com.evil.net/"},
		"a host in the user's place":           {baseURL: "https://api.example.com", target: "https://api.example.com@evil.net/"},
		"another port":                         {baseURL: "https://api.example.com", target: "https://api.example.com:8443/"},
		"plain text":                           {baseURL: "https://api.example.com", target: "http://api.example.com/"},
		"where the program says instead":       {chosen: []string{"proxy.example.com"}, baseURL: "https://api.example.com", target: "https://proxy.example.com/", isAllowed: true},
		"no longer where the credential says":  {chosen: []string{"proxy.example.com"}, baseURL: "https://api.example.com", target: "https://api.example.com/"},
		"plain text where the program says so": {chosen: []string{"http://127.0.0.1:8080"}, target: "http://127.0.0.1:8080/x", isAllowed: true},
		"nowhere, where nobody says":           {target: "https://api.example.com/"},
	} {
		t.Run(name, func(t *testing.T) {
			known := newHosts(map[string][]string{"pool": row.chosen})
			target, err := url.Parse(row.target)
			if err != nil {
				t.Fatal(err)
			}
			found := checkHost("pool", known.of("pool", Credential{BaseURL: row.baseURL}), target)
			var refused *HostError
			if row.isAllowed != (found == nil) || !row.isAllowed != errors.As(found, &refused) {
				t.Errorf("found %v", found)
			}
			known.learn("pool", row.baseURL)
			if before := checkHost("pool", known.known("pool"), target); (before == nil) != row.isAllowed {
				t.Errorf("before the next lease: %v", before)
			}
		})
	}
}

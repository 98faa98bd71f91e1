package keylease_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A real keylease server and a stand-in for the providers, of which ../README.md tells.
type stage struct {
	GRPC     string `json:"grpc"`
	Provider string `json:"provider"`
	Control  string `json:"control"`
}

var (
	theStage     *stage
	theStageOnce sync.Once
	endStage     = func() {}
)

// The stage of this run. Without Node 22 or later and `npm ci` the test is left out, in CI it fails.
func newStage(t *testing.T) *stage {
	t.Helper()
	theStageOnce.Do(func() { theStage = startStage(t) })
	if theStage == nil {
		const how = "the stage did not start: run `npm ci` in the repository's root"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	return theStage
}

func startStage(t *testing.T) *stage {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	node := filepath.Join(root, "node_modules", ".bin", "node")
	if _, err := os.Stat(node); err != nil {
		return nil
	}
	command := exec.Command(node, filepath.Join(root, "clients", "stage.ts"))
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	endStage = func() {
		input.Close()
		command.Wait()
	}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the stage ended: %v", err)
	}
	started := &stage{}
	if err := json.Unmarshal(line, started); err != nil {
		t.Fatal(err)
	}
	return started
}

// Asks the control, and reads its answer into result where that is not nil.
func (s *stage) control(t *testing.T, path string, body, result any) {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	s.ask(t, func(client *http.Client) (*http.Response, error) {
		return client.Post(s.Control+path, "application/json", bytes.NewReader(content))
	}, result)
}

func (s *stage) ask(t *testing.T, ask func(*http.Client) (*http.Response, error), result any) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	response, err := ask(client)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the stage answered %s %s %v", response.Status, answer, err)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer, result); err != nil {
		t.Fatal(err)
	}
}

// A new server with these pools, and a provider that remembers nothing.
func (s *stage) reset(t *testing.T, body any) {
	t.Helper()
	s.control(t, "/reset", body, s)
}

// Fails where what server and provider saw does not become what is expected.
func (s *stage) check(t *testing.T, expected any) {
	t.Helper()
	var found struct{ Departures []string }
	s.control(t, "/check", map[string]any{"then": expected}, &found)
	for _, departure := range found.Departures {
		t.Error(departure)
	}
}

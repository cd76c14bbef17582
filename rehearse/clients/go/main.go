// Go's net/http with its Transport's defaults: it sends again by itself what it may.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Longer than any right answer takes: what is not there by then is lost.
const patience = 10 * time.Second

var (
	url     = os.Getenv("URL")
	expect  = os.Getenv("EXPECT")
	kind    = os.Getenv("BODY")
	payload = bytes.Repeat([]byte("x"), number("BODY_BYTES"))
)

func main() {
	client := &http.Client{Transport: transport(), Timeout: patience}
	var stop atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop.Store(true)
	}()

	books := books{Failures: map[string]int{}}
	var workers sync.WaitGroup
	for range number("WORKERS") {
		workers.Go(func() {
			for think(); !stop.Load(); think() {
				books.add(ask(client))
			}
		})
	}
	workers.Wait()
	_ = json.NewEncoder(os.Stdout).Encode(&books)
}

func transport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	if os.Getenv("PROTOCOL") == "h2" {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	return transport
}

func ask(client *http.Client) error {
	request, err := request()
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || !strings.Contains(string(body), expect) {
		return fmt.Errorf("status %d: %.80s", response.StatusCode, body)
	}
	return nil
}

func request() (*http.Request, error) {
	ctx := context.Background()
	switch kind {
	case "none":
		return http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	case "again":
		// NewRequest sees a bytes.Reader, and gives the request a GetBody.
		return http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	default:
		// Any other reader can be read once.
		body := io.MultiReader(bytes.NewReader(payload))
		return http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	}
}

// books is what is printed at the end.
type books struct {
	lock     sync.Mutex
	Requests int            `json:"requests"`
	Failures map[string]int `json:"failures"`
}

func (b *books) add(err error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.Requests++
	if err == nil {
		if b.Requests-b.failed() == 1 {
			fmt.Println("up")
		}
		return
	}
	b.Failures[err.Error()]++
}

func (b *books) failed() (failed int) {
	for _, count := range b.Failures {
		failed += count
	}
	return failed
}

func think() {
	least, most := number("THINK_MIN_MS"), number("THINK_MAX_MS")
	time.Sleep(time.Duration(least+rand.IntN(most-least+1)) * time.Millisecond)
}

func number(name string) int {
	value, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		panic(name + ": " + err.Error())
	}
	return value
}

// Go's net/http as its documentation leaves: signal.NotifyContext, then Server.Shutdown under a
// timeout. HTTP/2 without TLS is on, beside HTTP/1.1.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Within the grace period of 8 s that conformance gives it.
const timeout = 6 * time.Second

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "Hello, world!") })
	mux.HandleFunc("GET /slow", slow)
	mux.HandleFunc("GET /download", download)
	mux.HandleFunc("POST /upload", upload)
	mux.HandleFunc("GET /events", events)

	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	address := net.JoinHostPort(variable("HOST", "127.0.0.1"), variable("PORT", "8080"))
	server := &http.Server{Addr: address, Handler: mux, Protocols: &protocols}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		log.Fatal(err)
	case <-ctx.Done():
	}
	// As the example of NotifyContext does: "stop receiving signal notifications as soon as possible".
	stop()
	limited, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		log.Fatalf("shutdown: %v", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func variable(name, fallback string) string {
	if value, given := os.LookupEnv(name); given {
		return value
	}
	return fallback
}

func number(w http.ResponseWriter, r *http.Request, name string) (int, bool) {
	value, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || value < 0 {
		http.Error(w, name+" must be a whole number", http.StatusBadRequest)
	}
	return value, err == nil && value >= 0
}

func slow(w http.ResponseWriter, r *http.Request) {
	ms, ok := number(w, r, "ms")
	if !ok {
		return
	}
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		fmt.Fprintf(w, "waited %d ms\n", ms)
	case <-r.Context().Done():
	}
}

func download(w http.ResponseWriter, r *http.Request) {
	left, ok := number(w, r, "bytes")
	if !ok {
		return
	}
	chunk := bytes.Repeat([]byte("x"), 64*1024)
	// Flushed, a response has no length and is chunked.
	_ = http.NewResponseController(w).Flush()
	for left > 0 {
		written, err := w.Write(chunk[:min(left, len(chunk))])
		if err != nil {
			return
		}
		left -= written
	}
}

func upload(w http.ResponseWriter, r *http.Request) {
	received, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%d bytes\n", received)
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if _, err := fmt.Fprint(w, "data: tick\n\n"); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

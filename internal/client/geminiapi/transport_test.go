package geminiapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"aisha/internal/fault"
)

func TestClient_Generate_key_in_error_message(t *testing.T) {
	t.Parallel()
	suspended := "Permission denied: Consumer 'api_key:" + testKey + "' has been suspended."
	for name, handler := range map[string]http.HandlerFunc{
		"status_403":      respondError(403, "PERMISSION_DENIED", suspended),
		"within_a_stream": respondOK("[" + errorObject(403, "PERMISSION_DENIED", suspended) + "]"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newTestClient(t, newFakeAPI(t, handler).URL, nil)
			_, err := client.Generate(t.Context(), question())
			if want := "'api_key:•••' has been suspended"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v, want it to contain %q", err, want)
			}
			checkNothingLeaked(t, client.log, err)
		})
	}
}

func TestClient_Generate_connection_refused(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	client := newTestClient(t, closed.URL, withFallback)

	_, err := client.Generate(t.Context(), question())

	if e := fault.Of(err); e.Kind != fault.UpstreamTimeout || !e.Transient || e.Message != "the model could not be reached" {
		t.Errorf("fault = %+v, want a transient fault.UpstreamTimeout: the model could not be reached", e)
	}
	if want := slices.Repeat([]string{"first unreachable"}, maxAttempts); !slices.Equal(client.attempts, want) {
		t.Errorf("attempts = %q, want %q", client.attempts, want)
	}
	checkNothingLeaked(t, client.log, err)
}

func TestClient_Generate_timeout(t *testing.T) {
	t.Parallel()
	hangAfterChunk := func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(goodStream[:90]))
		_ = http.NewResponseController(w).Flush()
		hang(w, r)
	}
	for name, handler := range map[string]http.HandlerFunc{"before_response": hang, "within_response": hangAfterChunk} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, handler)
			client := newTestClient(t, api.URL, func(o *Options) { o.Timeout, o.Fallback = 50*time.Millisecond, "second" })

			_, err := client.Generate(t.Context(), question())

			if e := fault.Of(err); e.Kind != fault.UpstreamTimeout || !e.Transient || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("fault = %+v, want a transient fault.UpstreamTimeout with context.DeadlineExceeded", e)
			}
			if want := []string{"first timed_out"}; !slices.Equal(client.attempts, want) {
				t.Errorf("attempts = %q, want %q", client.attempts, want)
			}
			checkNothingLeaked(t, client.log, err)
		})
	}
}

func TestClient_Generate_deadline_of_caller(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, newFakeAPI(t, hang).URL, withFallback)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Generate(ctx, question()); !fault.Is(err, fault.UpstreamTimeout) {
		t.Errorf("error = %v, want fault.UpstreamTimeout", err)
	}
}

func TestClient_Generate_canceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancelAndHang := func(w http.ResponseWriter, r *http.Request) { cancel(); hang(w, r) }
	client := newTestClient(t, newFakeAPI(t, cancelAndHang).URL, withFallback)

	_, err := client.Generate(ctx, question())

	var asFault *fault.Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &asFault) {
		t.Errorf("error = %v, want context.Canceled and no fault", err)
	}
	if want := []string{"first canceled"}; !slices.Equal(client.attempts, want) {
		t.Errorf("attempts = %q, want %q", client.attempts, want)
	}
	checkNothingLeaked(t, client.log, err)
}

func TestClient_Generate_redirect(t *testing.T) {
	t.Parallel()
	target := newFakeAPI(t, respondOK(goodStream))
	redirect := http.RedirectHandler(target.URL, http.StatusTemporaryRedirect)
	client := newTestClient(t, newFakeAPI(t, redirect.ServeHTTP).URL, nil)

	_, err := client.Generate(t.Context(), question())

	if f := failureOf(err); f == nil || f.outcome != requestRejected {
		t.Errorf("error = %v, want the outcome %s", err, requestRejected)
	}
	if n := len(target.requests()); n != 0 {
		t.Errorf("the target of the redirect received %d requests, want none", n)
	}
}

// The API quotes the prompt, the key and numbers in its errors.
func TestClient_Generate_error_text_is_masked(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"prompt":                 "Invalid value: \"" + testPrompt + "\"",
		"prompt_in_capitals":     "Invalid value: HOW TALL IS MOUNT KENYA",
		"part_of_the_prompt":     "Invalid value: Mount Kenya",
		"prompt_full_width":      "Invalid value: \uFF4B\uFF45\uFF4E\uFF59\uFF41",
		"prompt_with_zero_width": "Invalid value: Ke\u200Bnya",
		"number":                 "Invalid value: +254 712 345 678",
		"number_full_width":      "Invalid value: \uFF12\uFF15\uFF14\uFF17\uFF11\uFF12\uFF13\uFF14\uFF15\uFF16\uFF17\uFF18",
		"number_with_zero_width": "Invalid value: 254712\u200B345678",
		"number_with_commas":     "Invalid value: 254,712,345,678",
		"key":                    "Invalid value: " + strings.ToUpper(testKey),
	} {
		for where, handler := range map[string]http.HandlerFunc{
			"status_400":      respondError(400, "INVALID_ARGUMENT", message),
			"within_a_stream": respondOK("[" + errorObject(400, "INVALID_ARGUMENT", message) + "]"),
		} {
			t.Run(name+"/"+where, func(t *testing.T) {
				t.Parallel()
				client := newTestClient(t, newFakeAPI(t, handler).URL, nil)
				_, err := client.Generate(t.Context(), question())
				if err == nil {
					t.Fatal("Generate succeeded, want an error")
				}
				_, log, _ := strings.Cut(client.log.String(), "outcome=") // without times, whose digits vary
				for _, private := range []string{"ount", "OUNT", "enya", "ENYA", "712", "345", "\u200B", "\uFF14", "SYTEST", "\uFF45"} {
					if strings.Contains(log+err.Error(), private) {
						t.Errorf("log %s and error %v contain %q, want it masked", log, err, private)
					}
				}
				for _, needed := range []string{"status 400 INVALID_ARGUMENT", "Invalid value", "request_rejected"} {
					if !strings.Contains(log, needed) || !strings.Contains(err.Error(), needed) {
						t.Errorf("log %s and error %v; want both with %q", log, err, needed)
					}
				}
				checkNothingLeaked(t, client.log, err)
			})
		}
	}
}

func TestClient_Generate_protocol_error_is_masked(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"header": "HTTP/1.1 200 OK\r\n" + testPrompt + " 254712345678\r\n\r\n",
		"status": "HTTP/1.1 " + testPrompt + " 254712345678\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newTestClient(t, newFakeAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				connection, out, err := w.(http.Hijacker).Hijack()
				if err != nil {
					return
				}
				_, _ = out.WriteString(raw)
				_ = out.Flush()
				_ = connection.Close()
			}).URL, nil)
			_, err := client.Generate(t.Context(), question())
			if err == nil || strings.Contains(client.log.String()+err.Error(), "254712345678") {
				t.Errorf("error = %v with log %s, want an error without the number", err, client.log)
			}
			checkNothingLeaked(t, client.log, err)
		})
	}
}

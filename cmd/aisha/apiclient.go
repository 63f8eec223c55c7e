package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"aisha/internal/config"
	"aisha/internal/sensitive"
)

// responseTimeout limits the wait for the header of a response.
const responseTimeout = time.Minute

// apiClient calls the API of a running service as its operator.
type apiClient struct {
	base  string // URL of the API
	token sensitive.Secret
	http  *http.Client
}

// loadAPIClient returns the client for AISHA_URL and ADMIN_TOKEN.
func loadAPIClient() (apiClient, error) {
	settings, err := config.LoadClient()
	if err != nil {
		return apiClient{}, err
	}
	base, err := apiURL(settings)
	if err != nil {
		return apiClient{}, err
	}
	return newAPIClient(base, settings.AdminToken), nil
}

func newAPIClient(base string, token sensitive.Secret) apiClient {
	return apiClient{base: base, token: token, http: &http.Client{
		// Timeout is not set, because it would limit a whole upload or download.
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: responseTimeout, ExpectContinueTimeout: time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// apiURL returns the URL of the API that a command calls.
func apiURL(settings config.Client) (string, error) {
	switch {
	case settings.AdminToken.IsZero():
		return "", errors.New("ADMIN_TOKEN is not set")
	case settings.URL != "":
		return settings.URL, nil
	case settings.Port == 0:
		return "", errors.New("with PORT=0 the port of the service is unknown; set AISHA_URL")
	}
	return "http://" + net.JoinHostPort(reachableHost(settings.Host), strconv.Itoa(settings.Port)), nil
}

// newRequest returns a request with the operator's token.
func (c apiClient) newRequest(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body) //nolint:gosec // the operator sets the address
	if err != nil {
		return nil, fmt.Errorf("call the service: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	return request, nil
}

// send returns the response if it has the status. Otherwise it returns the failure of
// the API as an error.
func (c apiClient) send(request *http.Request, status int) (*http.Response, error) {
	response, err := c.http.Do(request) //nolint:gosec // the operator sets the address
	if err != nil {
		return nil, fmt.Errorf("call the service: %w", err)
	}
	if response.StatusCode != status {
		defer func() { _ = response.Body.Close() }()
		return nil, responseError(response)
	}
	return response, nil
}

// responseError returns the error of a failure response of the API.
func responseError(response *http.Response) error {
	var failure struct {
		Error   string
		Details []struct{ Field, Message string }
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if json.Unmarshal(body, &failure) != nil || failure.Error == "" {
		return fmt.Errorf("%s responded %s; is it the URL of the API?", response.Request.URL.Host, response.Status)
	}
	text := failure.Error
	for _, detail := range failure.Details {
		text += fmt.Sprintf("; %s %s", detail.Field, detail.Message)
	}
	return fmt.Errorf("the service responded %d: %s", response.StatusCode, text)
}

package graphapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"aisha/internal/fault"
	"aisha/internal/service/whatsapp"
)

// Media implements whatsapp.Graph. The Graph API is asked for the file's
// address, which lives five minutes, and the file is read from there.
func (c *Client) Media(ctx context.Context, phoneNumberID string, media whatsapp.Media, limit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()

	about := fmt.Sprintf("%s/%s/%s?phone_number_id=%s", c.options.BaseURL, c.options.Version,
		url.PathEscape(media.ID), url.QueryEscape(phoneNumberID))
	var file struct {
		URL  string      `json:"url"`
		Size json.Number `json:"file_size"`
	}
	described, err := c.get(ctx, about, maxAnswer)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(described, &file); err != nil {
		return nil, fault.Wrap(err, fault.Upstream, "WhatsApp described a file in an unknown way")
	}
	if size, err := file.Size.Int64(); err == nil && size > int64(limit) {
		return nil, fmt.Errorf("%w: it has %d bytes, over the limit", whatsapp.ErrNoMedia, size)
	}
	if err := c.trusted(file.URL); err != nil {
		return nil, err
	}
	data, err := c.get(ctx, file.URL, limit)
	if err != nil {
		return nil, err
	}
	if !matches(media.SHA256, data) {
		return nil, fmt.Errorf("%w: its bytes are not the ones that were sent", whatsapp.ErrNoMedia)
	}
	return data, nil
}

// trusted makes sure that the token goes to nobody but Meta, or to the host
// that stands in for it.
func (c *Client) trusted(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: its address is no URL", whatsapp.ErrNoMedia)
	}
	if base, err := url.Parse(c.options.BaseURL); err == nil && u.Scheme == base.Scheme && u.Host == base.Host {
		return nil
	}
	for _, domain := range []string{"fbsbx.com", "fbcdn.net", "facebook.com", "whatsapp.net"} {
		if u.Scheme == "https" && u.Port() == "" && (u.Hostname() == domain || strings.HasSuffix(u.Hostname(), "."+domain)) {
			return nil
		}
	}
	return fmt.Errorf("%w: its address is not Meta's", whatsapp.ErrNoMedia)
}

// get reads at most limit bytes. Its errors are faults, or whatsapp.ErrNoMedia
// where the file is gone or too large.
func (c *Client) get(ctx context.Context, address string, limit int) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: its address is no URL", whatsapp.ErrNoMedia)
	}
	request.Header.Set("Authorization", "Bearer "+c.options.Token.Reveal())
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fault.Wrap(withoutURL(err), fault.UpstreamTimeout, "a file could not be fetched")
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode == http.StatusNotFound, response.StatusCode == http.StatusGone, response.StatusCode == http.StatusBadRequest:
		return nil, fmt.Errorf("%w: status %d", whatsapp.ErrNoMedia, response.StatusCode)
	case response.StatusCode != http.StatusOK:
		problem := fault.Wrap(fmt.Errorf("status %d", response.StatusCode), fault.Upstream, "a file could not be fetched")
		problem.Transient = true
		problem.RetryAfter = retryAfter(response.Header.Get("Retry-After"))
		return nil, problem
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	switch {
	case err != nil:
		return nil, fault.Wrap(withoutURL(err), fault.UpstreamTimeout, "a file could not be fetched")
	case len(data) > limit:
		return nil, fmt.Errorf("%w: it is over the limit of %d bytes", whatsapp.ErrNoMedia, limit)
	}
	return data, nil
}

// matches compares a file with the digest that the webhook told. Meta writes
// it in base64; some payloads have been seen with hex. Without one there is
// nothing to compare.
func matches(digest string, data []byte) bool {
	sum := sha256.Sum256(data)
	return digest == "" || digest == base64.StdEncoding.EncodeToString(sum[:]) || strings.EqualFold(digest, hex.EncodeToString(sum[:]))
}

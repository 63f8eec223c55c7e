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

	"aisha/internal/client/upstream"
	"aisha/internal/fault"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// Download implements whatsapp.Graph. It asks the Graph API for the URL of the
// file, which is valid for five minutes, and reads the file from there.
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
func (c *Client) Download(ctx context.Context, phoneNumberID string, media webhook.Media, limit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()

	file, err := c.describeFile(ctx, phoneNumberID, media.ID)
	if err != nil {
		return nil, err
	}
	if size, err := file.Size.Int64(); err == nil && size > int64(limit) {
		return nil, fmt.Errorf("%w: it has %d bytes, over the limit", whatsapp.ErrNoMedia, size)
	}
	if err := c.checkFileURL(file.URL); err != nil {
		return nil, err
	}
	data, err := c.get(ctx, file.URL, limit)
	if err != nil {
		return nil, err
	}
	if !hasDigest(data, media.SHA256) {
		return nil, fmt.Errorf("%w: its content does not match the webhook's SHA-256", whatsapp.ErrNoMedia)
	}
	return data, nil
}

// fileDescription is what the Graph API returns for a media id.
type fileDescription struct {
	URL  string      `json:"url"`
	Size json.Number `json:"file_size"` // in bytes
}

// describeFile has the errors of get, and fault.Upstream where the description
// cannot be read.
func (c *Client) describeFile(ctx context.Context, phoneNumberID, mediaID string) (fileDescription, error) {
	address := fmt.Sprintf("%s/%s/%s?phone_number_id=%s", c.options.BaseURL, c.options.Version,
		url.PathEscape(mediaID), url.QueryEscape(phoneNumberID))
	body, err := c.get(ctx, address, maxResponse)
	if err != nil {
		return fileDescription{}, err
	}
	var file fileDescription
	if err := json.Unmarshal(body, &file); err != nil {
		return fileDescription{}, fault.Wrap(err, fault.Upstream, "WhatsApp described a file in an unknown way")
	}
	return file, nil
}

// checkFileURL returns whatsapp.ErrNoMedia where the token must not be sent to
// the URL: its host is neither one of Meta's nor that of the base URL. A host
// with a port, a user, an IPv6 zone or an escaped character is refused, because
// what the name ends with does not say where such a URL leads.
func (c *Client) checkFileURL(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: its address is not a URL", whatsapp.ErrNoMedia)
	}
	if base, err := url.Parse(c.options.BaseURL); err == nil && u.User == nil && u.Scheme == base.Scheme && u.Host == base.Host {
		return nil
	}
	host := strings.ToLower(u.Host)
	isName := u.User == nil && strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
	for _, domain := range []string{"fbsbx.com", "fbcdn.net", "facebook.com", "whatsapp.net"} {
		if u.Scheme == "https" && isName && (host == domain || strings.HasSuffix(host, "."+domain)) {
			return nil
		}
	}
	return fmt.Errorf("%w: its URL is not on a host of Meta's", whatsapp.ErrNoMedia)
}

// get reads a response of at most limit bytes. Errors: whatsapp.ErrNoMedia
// where the file is gone or too large, otherwise fault.UpstreamTimeout or
// fault.Upstream.
func (c *Client) get(ctx context.Context, address string, limit int) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: its address is not a URL", whatsapp.ErrNoMedia)
	}
	request.Header.Set("Authorization", "Bearer "+c.options.Token.Reveal())
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fault.Wrap(withoutURL(err), fault.UpstreamTimeout, "a file could not be fetched")
	}
	defer func() { _ = response.Body.Close() }()
	if err := downloadError(response); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err != nil {
		return nil, fault.Wrap(withoutURL(err), fault.UpstreamTimeout, "a file could not be fetched")
	}
	if len(data) > limit {
		return nil, fmt.Errorf("%w: it is over the limit of %d bytes", whatsapp.ErrNoMedia, limit)
	}
	return data, nil
}

// downloadError returns the error that the status of the response means, nil
// for 200.
func downloadError(response *http.Response) error {
	switch response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusNotFound, http.StatusGone, http.StatusBadRequest:
		return fmt.Errorf("%w: status %d", whatsapp.ErrNoMedia, response.StatusCode)
	default:
		err := fault.Wrap(fmt.Errorf("status %d", response.StatusCode), fault.Upstream, "a file could not be fetched")
		err.Transient = true
		err.RetryAfter = upstream.RetryAfter(response.Header)
		return err
	}
}

// hasDigest reports whether data has the SHA-256 of the webhook. Meta documents
// base64, but some webhooks had hex. An empty digest matches everything.
func hasDigest(data []byte, digest string) bool {
	sum := sha256.Sum256(data)
	return digest == "" || digest == base64.StdEncoding.EncodeToString(sum[:]) || strings.EqualFold(digest, hex.EncodeToString(sum[:]))
}

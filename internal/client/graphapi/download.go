package graphapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"aisha/internal/client/upstream"
	"aisha/internal/fault"
	"aisha/internal/sensitive"
	"aisha/internal/service/whatsapp"
	"aisha/internal/service/whatsapp/webhook"
)

// DescribeFile implements whatsapp.Graph. The URL that it returns is valid for
// five minutes.
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
func (c *Client) DescribeFile(ctx context.Context, phoneNumberID string, media webhook.Media) (whatsapp.RemoteFile, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()

	address := fmt.Sprintf("%s/%s/%s?phone_number_id=%s", c.options.BaseURL, c.options.Version,
		url.PathEscape(media.ID), url.QueryEscape(phoneNumberID))
	body, err := c.get(ctx, address, maxResponse)
	if err != nil {
		return whatsapp.RemoteFile{}, err
	}
	file, err := parseFile(body)
	file.SHA256 = media.SHA256
	return file, err
}

// parseFile reads the description of a file. It reads members of unexpected types
// as absent.
func parseFile(body []byte) (whatsapp.RemoteFile, error) {
	described, err := upstream.ParseJSON(body)
	if err != nil {
		return whatsapp.RemoteFile{}, fault.Wrap(err, fault.Upstream, "WhatsApp described a file in an unknown way")
	}
	size, _ := described.Member("file_size").Int() // in bytes
	return whatsapp.RemoteFile{URL: sensitive.NewSecret(described.Member("url").Text()), Size: size}, nil
}

// Download implements whatsapp.Graph.
func (c *Client) Download(ctx context.Context, file whatsapp.RemoteFile) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()

	if err := c.checkFileURL(file.URL.Reveal()); err != nil {
		return nil, err
	}
	data, err := c.get(ctx, file.URL.Reveal(), file.Size)
	if err != nil {
		return nil, err
	}
	if !hasDigest(data, file.SHA256) {
		return nil, fmt.Errorf("%w: its content does not match the webhook's SHA-256", whatsapp.ErrNoMedia)
	}
	return data, nil
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
// where the file is gone or too large, fault.UpstreamTimeout, fault.Upstream, or
// context.Canceled.
func (c *Client) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: its address is not a URL", whatsapp.ErrNoMedia)
	}
	request.Header.Set("Authorization", "Bearer "+c.options.Token.Reveal())
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.transportError(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := downloadError(response); err != nil {
		return nil, err
	}
	size := response.ContentLength // -1 where it is unknown
	if size > limit {
		return nil, fmt.Errorf("%w: it has %d bytes, over the limit of %d", whatsapp.ErrNoMedia, size, limit)
	}
	if size < 0 {
		size = limit
	}
	var data bytes.Buffer
	data.Grow(int(size) + bytes.MinRead) // a buffer that grows while it is read needs several times the memory
	if _, err := data.ReadFrom(io.LimitReader(response.Body, limit+1)); err != nil {
		return nil, c.transportError(err)
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("%w: it is over the limit of %d bytes", whatsapp.ErrNoMedia, limit)
	}
	return data.Bytes(), nil
}

// transportError classifies an error of the connection. A retry may succeed,
// unless the caller canceled the request.
func (c *Client) transportError(err error) error {
	err = withoutURL(err)
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("fetch a file: %w", err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fault.Wrap(err, fault.UpstreamTimeout, "a file could not be fetched in time")
	}
	broken := fault.Wrap(c.privateToken().MaskError(err), fault.Upstream, "a file could not be fetched")
	broken.Transient = true
	return broken
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

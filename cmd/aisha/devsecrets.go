package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/joho/godotenv"

	"aisha/internal/sensitive"
)

// devSecretsFile is in AISHA_DATA_DIR. A shell can read it, as the examples in the
// README do.
const devSecretsFile = "secrets.env"

// devSecrets are the secrets that a simulated Meta and the service share.
type devSecrets struct {
	appSecret   sensitive.Secret
	verifyToken sensitive.Secret
}

// loadDevSecrets returns the secrets of the data folder. It makes random ones at the
// first start, because with fixed ones every program and web page on this machine
// could sign a webhook.
func loadDevSecrets(dir string) (devSecrets, error) {
	path := filepath.Join(dir, devSecretsFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := writeDevSecrets(dir, path); err != nil {
			return devSecrets{}, fmt.Errorf("write the secrets of aisha dev: %w", err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return devSecrets{}, fmt.Errorf("protect the secrets of aisha dev: %w", err)
	}
	values, err := godotenv.Read(path)
	if err != nil || values["WHATSAPP_APP_SECRET"] == "" || values["WEBHOOK_VERIFY_TOKEN"] == "" {
		// The error of godotenv quotes the file.
		return devSecrets{}, fmt.Errorf("the file %s is damaged: remove it, and the next start makes a new one", path)
	}
	return devSecrets{
		appSecret:   sensitive.NewSecret(values["WHATSAPP_APP_SECRET"]),
		verifyToken: sensitive.NewSecret(values["WEBHOOK_VERIFY_TOKEN"]),
	}, nil
}

// writeDevSecrets creates the file completely or not at all. If another process
// creates it at the same time, the file of one of them is kept.
func writeDevSecrets(dir, path string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the database's user must be able to enter
		return err
	}
	draft, err := os.CreateTemp(dir, devSecretsFile+".*") // its mode is 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = fmt.Fprintf(draft, "# aisha dev signs and verifies simulated webhooks with these.\nWHATSAPP_APP_SECRET=%s\nWEBHOOK_VERIFY_TOKEN=%s\n",
		rand.Text(), rand.Text())
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

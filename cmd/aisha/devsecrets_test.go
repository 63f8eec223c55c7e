package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestLoadDevSecrets(t *testing.T) {
	t.Parallel()
	load := func(t *testing.T, dir string) devSecrets {
		t.Helper()
		secrets, err := loadDevSecrets(dir)
		if err != nil {
			t.Fatal(err)
		}
		return secrets
	}
	dir, other := filepath.Join(t.TempDir(), "new"), t.TempDir()
	first := load(t, dir)
	if again := load(t, dir); again != first {
		t.Error("the second start got other secrets, want the same")
	}
	if elsewhere := load(t, other); elsewhere.appSecret == first.appSecret || elsewhere.verifyToken == first.verifyToken {
		t.Error("another folder got the same secrets, want different ones")
	}
	if first.appSecret == first.verifyToken || len(first.appSecret.Reveal()) < 16 || len(first.verifyToken.Reveal()) < 16 {
		t.Error("got equal or short secrets, want two of 16 characters or more")
	}
	path := filepath.Join(dir, devSecretsFile)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	load(t, dir)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, error %v, want 0600", info.Mode(), err)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("got the files %q, error %v, want no drafts", left, err)
	}
}

func TestLoadDevSecrets_at_the_same_time(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := make([]devSecrets, 8)
	var group sync.WaitGroup
	for i := range got {
		group.Go(func() { got[i], _ = loadDevSecrets(dir) })
	}
	group.Wait()
	for i, secrets := range got {
		if secrets != got[0] || secrets.appSecret.IsZero() {
			t.Errorf("process %d got other secrets or none, want those of process 0", i)
		}
	}
}

func TestLoadDevSecrets_damaged(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty": "", "half": "WHATSAPP_APP_SECRET=hunter2\n", "blank": "WHATSAPP_APP_SECRET=\nWEBHOOK_VERIFY_TOKEN=hunter2\n", "no_variables": "hunter2-hunter2\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, devSecretsFile), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := loadDevSecrets(dir); err == nil || !strings.Contains(err.Error(), "remove it") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got error %v, want one that says what to do, without the content", err)
			}
		})
	}
}

package localpg

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	jar := programsJar(t)
	sum := sha256.Sum256(jar)
	tests := map[string]struct {
		checksum string
		want     string
	}{
		"unpacks_programs":        {checksum: hex.EncodeToString(sum[:])},
		"rejects_damaged_archive": {checksum: strings.Repeat("0", 64), want: "checksums do not match"},
		"rejects_empty_checksum":  {checksum: "", want: "checksums do not match"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repository := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, ".sha256") {
					_, _ = w.Write([]byte(test.checksum))
					return
				}
				_, _ = w.Write(jar)
			}))
			t.Cleanup(repository.Close)

			folder := filepath.Join(t.TempDir(), "postgresql")
			err := download(t.Context(), downloadOptions{folder: folder, repository: repository.URL, log: slog.New(slog.DiscardHandler)})
			if test.want == "" {
				if err != nil || len(dirsWithServer([]string{filepath.Join(folder, "bin")})) != 1 {
					t.Errorf("download: %v, want a server in %s", err, folder)
				}
			} else {
				checkError(t, err, test.want)
				if _, err := os.Stat(folder); !os.IsNotExist(err) {
					t.Errorf("the folder exists after a failed download: %v", err)
				}
			}
			if left, _ := filepath.Glob(folder + ".part*"); len(left) > 0 {
				t.Errorf("staging folders %q are left, want none", left)
			}
		})
	}
}

func TestAvailableDirs(t *testing.T) {
	t.Parallel()
	t.Run("failed_download_gives_advice", func(t *testing.T) {
		t.Parallel()
		repository := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(repository.Close)
		_, err := start(t.Context(), Options{Dir: t.TempDir()}, programSource{repository: repository.URL})
		checkError(t, err, "not installed", "download failed", "no version found", "apt-get install postgresql", "brew install postgresql")
	})
}

// programsJar returns an archive like those in the Maven repository. Its programs
// only fail.
func programsJar(t *testing.T) []byte {
	t.Helper()
	programs, err := os.ReadFile(filepath.Join("testdata", "programs.txz"))
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	archive := zip.NewWriter(&jar)
	file, err := archive.Create("postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(programs); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}

package localpg

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBinDirHasAServer(t *testing.T) {
	t.Parallel()
	dir, err := BinDir()
	if err != nil {
		t.Fatalf("BinDir: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "postgres")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("postgres in %s: %v, %v, want a program", dir, info, err)
	}
}

func TestFolderWithoutAServerIsPassedOver(t *testing.T) {
	t.Parallel()
	empty, full := t.TempDir(), t.TempDir()
	for _, program := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(full, program), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := withServer([]string{"", empty, full, full}); len(got) != 1 || got[0] != full {
		t.Errorf("withServer = %q, want %q alone", got, full)
	}
}

func TestMissingProgramsGiveAdvice(t *testing.T) {
	t.Parallel()
	repository := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(repository.Close)
	_, err := start(t.Context(), Options{Dir: t.TempDir()}, source{repository: repository.URL})
	wantError(t, err, "not installed", "download failed", "no version found", "apt-get install postgresql", "brew install postgresql")
}

func TestDownload(t *testing.T) {
	t.Parallel()
	jar := programsJar(t)
	sum := sha256.Sum256(jar)
	tests := map[string]struct {
		checksum string
		want     string
	}{
		"unpacks the programs":      {checksum: hex.EncodeToString(sum[:])},
		"refuses a damaged archive": {checksum: strings.Repeat("0", 64), want: "checksums do not match"},
		"refuses an empty checksum": {checksum: "", want: "checksums do not match"},
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
			err := download(t.Context(), folder, repository.URL)
			if test.want == "" {
				if err != nil || len(withServer([]string{filepath.Join(folder, "bin")})) != 1 {
					t.Errorf("download: %v, want a server in %s", err, folder)
				}
			} else {
				wantError(t, err, test.want)
				if _, err := os.Stat(folder); !os.IsNotExist(err) {
					t.Errorf("the folder exists after a failure: %v", err)
				}
			}
			if left, _ := filepath.Glob(folder + ".part*"); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// programsJar is an archive as the repository has them, with programs that
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

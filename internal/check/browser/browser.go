// Package browser opens pages in a headless browser during tests. It fails a test
// whose page reports an error or calls another machine.
package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// timeout limits one test with a browser. It is long, because a busy machine may
// slow a test down but must not make it fail.
const timeout = 5 * time.Minute

// New starts a browser and opens a tab as [OpenTab] does. It returns nil when no
// browser is installed, except in CI, where it fails the test.
func New(t *testing.T) context.Context {
	t.Helper()
	browser := Start(t)
	if browser == nil {
		return nil
	}
	return OpenTab(browser, t)
}

// Start starts a browser for several tabs, which runs until the test ends. It
// returns nil when no browser is installed, except in CI, where it fails the test.
func Start(t *testing.T) context.Context {
	t.Helper()
	program := installed(t)
	if program == "" {
		return nil
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

// OpenTab opens a tab that is closed when the test ends. It then fails the test
// for each problem of the tab's pages, except those that contain an expected text.
func OpenTab(browser context.Context, t *testing.T, expected ...string) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	problems := &pageProblems{expected: expected}
	if err := chromedp.Listen(ctx, problems.record); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { problems.assertNone(t) })
	ctx, cancel = context.WithTimeout(ctx, timeout)
	t.Cleanup(cancel)
	return ctx
}

// installed returns the path of a browser, or an empty string if there is none.
func installed(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("chromium is not installed; CI requires it")
	}
	t.Log("chromium is not installed, so the pages are NOT tested; install it, for example with apt-get install chromium")
	return ""
}

// pageProblems collects console errors, uncaught exceptions and requests to other
// hosts.
type pageProblems struct {
	expected []string

	mu       sync.Mutex
	found    []string
	requests int
}

func (p *pageProblems) record(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.found = append(p.found, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.found = append(p.found, "console: "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		url := e.Request.URL
		if !strings.HasPrefix(url, "http://127.0.0.1:") && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
			p.found = append(p.found, "request to another host: "+url)
		}
		p.requests++
	}
}

// assertNone fails the test for each problem. It also fails if the browser reported
// no request, because then the listener does not work.
func (p *pageProblems) assertNone(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.requests == 0 {
		t.Error("the browser reported no requests")
	}
	for _, problem := range p.found {
		isExpected := func(text string) bool { return strings.Contains(problem, text) }
		if !slices.ContainsFunc(p.expected, isExpected) {
			t.Error(problem)
		}
	}
}

// Screenshot saves a screenshot in the directory named by AISHA_SCREENSHOTS, if it
// is set.
func Screenshot(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("AISHA_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Error(err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil { //nolint:gosec // the names are constants of tests
		t.Error(err)
	}
}

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// newBrowser opens a browser tab and records the problems of its pages. It returns
// nil when no browser is installed, except in CI, where it fails the test.
func newBrowser(t *testing.T) (context.Context, *pageProblems) {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed; CI requires it")
		}
		t.Log("chromium is not installed, so the pages are NOT tested; install it, for example with apt-get install chromium")
		return nil, nil
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)

	problems := &pageProblems{}
	if err := chromedp.Listen(ctx, problems.record); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, waitLimit)
	t.Cleanup(cancel)
	return ctx, problems
}

// pageProblems collects console errors, uncaught exceptions and requests to other
// hosts.
type pageProblems struct {
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
		t.Error(problem)
	}
}

// screenshot saves a screenshot in the directory named by AISHA_SCREENSHOTS, if it
// is set.
func screenshot(ctx context.Context, t *testing.T, name string) {
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
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		t.Error(err)
	}
}

func TestBrowser_APIPages(t *testing.T) {
	t.Parallel()
	ctx, problems := newBrowser(t)
	if ctx == nil {
		return
	}
	service := start(t, []string{"DATABASE_URL=" + testdb.New(t), "HOST=127.0.0.1", "PORT=0"}, "serve")

	if err := chromedp.Do(ctx,
		chromedp.Navigate(service.url+"/docs"),
		chromedp.WaitVisible(chromedp.CSS(`.opblock-post`)),
		chromedp.Click(chromedp.CSS(`.opblock-post .opblock-summary-control`)),
		chromedp.WaitVisible(chromedp.CSS(`.execute`)),
		chromedp.Click(chromedp.CSS(`.execute`)),
		chromedp.WaitVisible(chromedp.CSS(`.live-responses-table .response-col_status`)),
	); err != nil {
		t.Fatalf("\"try it out\" on /docs: %v", err)
	}
	screenshot(ctx, t, "docs")
	answer, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(`.live-responses-table`)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, "200") || !strings.Contains(answer, "Added to waiting list") {
		t.Errorf("\"try it out\" shows no successful response:\n%s", answer)
	}
	if err := chromedp.Do(ctx,
		chromedp.Navigate(service.url+"/redoc"),
		chromedp.WaitVisible(chromedp.CSS(`.menu-content`)),
		chromedp.WaitVisible(chromedp.Search(`//*[contains(text(),"/waiting-list")]`)),
	); err != nil {
		t.Fatalf("open /redoc: %v", err)
	}
	screenshot(ctx, t, "redoc")
	problems.assertNone(t)
}

func TestBrowser_Phone(t *testing.T) {
	t.Parallel()
	ctx, problems := newBrowser(t)
	if ctx == nil {
		return
	}
	short := simulator.Range{Min: 300 * time.Millisecond, Max: 600 * time.Millisecond}
	sim, simURL := newSimulator(t, simulator.Timing{Model: short, Delivered: short, Read: short})
	service := start(t, environment(testdb.New(t), simURL), "serve")
	sim.SetWebhookURL(service.url + "/webhook/whatsapp")

	if err := chromedp.Do(ctx,
		chromedp.EmulateViewport(1280, 860),
		chromedp.Navigate(simURL+"/"),
		chromedp.WaitVisible(chromedp.CSS(`#message`)),
		chromedp.SendKeys(chromedp.CSS(`#message`), "Habari, what is Aisha?"),
		chromedp.Click(chromedp.CSS(`#send`)),
		chromedp.WaitVisible(chromedp.CSS(`.bubble[data-direction="out"][data-state="read"]`)),
		chromedp.WaitVisible(chromedp.CSS(`.bubble[data-direction="in"][data-state="read"]`)),
	); err != nil {
		t.Fatalf("send a message on the simulated phone: %v\n%s", err, tail(service.output()))
	}
	answer, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(`.bubble[data-direction="in"]`)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, "Habari, what is Aisha?") {
		t.Errorf("answer = %q, want it to contain the question", answer)
	}
	if err := chromedp.Do(ctx,
		chromedp.Click(chromedp.CSS(`.bubble .reply`)),
		chromedp.WaitVisible(chromedp.Search(`//*[contains(text(),"You are on the waiting list")]`)),
	); err != nil {
		t.Fatalf("join the waiting list with the button: %v\n%s", err, tail(service.output()))
	}
	screenshot(ctx, t, "phone-wide")
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2)),
		chromedp.WaitVisible(chromedp.CSS(`#message`))); err != nil {
		t.Fatalf("show the simulated phone on a narrow screen: %v", err)
	}
	screenshot(ctx, t, "phone-narrow")
	problems.assertNone(t)
}

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"aisha/internal/check/browser"
	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

func TestBrowser_APIPages(t *testing.T) {
	t.Parallel()
	ctx := browser.New(t)
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
	browser.Screenshot(ctx, t, "docs")
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
	browser.Screenshot(ctx, t, "redoc")
}

func TestBrowser_Phone(t *testing.T) {
	t.Parallel()
	ctx := browser.New(t)
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
	ticks, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll('.bubble[data-direction="in"] .foot svg').length`))
	if err != nil {
		t.Fatal(err)
	}
	if ticks != 0 {
		t.Errorf("answers have %d ticks, want none", ticks)
	}
	if err := chromedp.Do(ctx,
		chromedp.Navigate(simURL+"/docs"),
		chromedp.WaitVisible(chromedp.CSS(`.opblock-post`)),
		chromedp.Navigate(simURL+"/"),
		chromedp.WaitVisible(chromedp.Search(`//*[contains(text(),"You are on the waiting list")]`)),
	); err != nil {
		t.Fatalf("open the documentation from the phone and return: %v", err)
	}
	browser.Screenshot(ctx, t, "phone-wide")
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2)),
		chromedp.WaitVisible(chromedp.CSS(`#message`))); err != nil {
		t.Fatalf("show the simulated phone on a narrow screen: %v", err)
	}
	browser.Screenshot(ctx, t, "phone-narrow")
}

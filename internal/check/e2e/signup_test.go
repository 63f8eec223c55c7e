package e2e

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"aisha/internal/check/browser"
	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// TestBrowser_SignUpForm signs up on the page that the simulator serves, whose
// origin is not that of the API.
func TestBrowser_SignUpForm(t *testing.T) {
	t.Parallel()
	const name, phone, button = "#username", "#phone_number", "button"
	thanks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<h1 id="thanks">Asante!</h1>`)
	}))
	t.Cleanup(thanks.Close)

	t.Run("with_a_script", func(t *testing.T) {
		t.Parallel()
		ctx := newFormTab(t)
		if ctx == nil {
			return
		}
		sim, simURL := newSimulator(t, simulator.Timing{})
		service := start(t, environment(testdb.New(t), simURL, "CORS_ALLOWED_ORIGINS="+simURL), "serve")
		sim.SetWebhookURL(service.url + "/webhook/whatsapp")
		if err := chromedp.Do(ctx,
			chromedp.Navigate(simURL+"/signup"),
			chromedp.SendKeys(chromedp.CSS(name), "Amina"),
			chromedp.SendKeys(chromedp.CSS(phone), "020 201 2345"),
			chromedp.Click(chromedp.CSS(button)),
			chromedp.WaitVisible(chromedp.CSS("#phone_number-error")),
			chromedp.SetValue(chromedp.CSS(phone), "0712 345 678"),
			chromedp.Click(chromedp.CSS(button)),
			chromedp.WaitVisible(chromedp.CSS("#done")),
			chromedp.WaitVisible(chromedp.CSS("#code output")), // a script of another origin may read the header
		); err != nil {
			t.Errorf("sign up: %v", err)
		}
	})

	t.Run("without_a_script", func(t *testing.T) {
		t.Parallel()
		ctx := newFormTab(t)
		if ctx == nil {
			return
		}
		sim, simURL := newSimulator(t, simulator.Timing{})
		service := start(t, environment(testdb.New(t), simURL, "SIGNUP_REDIRECT_URL="+thanks.URL+"/thanks"), "serve")
		sim.SetWebhookURL(service.url + "/webhook/whatsapp")
		if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx,
			chromedp.Navigate(simURL+"/signup"),
			chromedp.SendKeys(chromedp.CSS(name), "..."),
			chromedp.SendKeys(chromedp.CSS(phone), "0712 345 678"),
			chromedp.Click(chromedp.CSS(button)),
			chromedp.WaitVisible(chromedp.CSS("#username-error")), // on the page of the API
			chromedp.SetValue(chromedp.CSS(name), "Amina"),
			chromedp.Click(chromedp.CSS(button)),
			chromedp.WaitVisible(chromedp.CSS("#thanks")),
		); err != nil {
			t.Errorf("sign up: %v", err)
		}
		if address, err := chromedp.Run(ctx, chromedp.Location()); err != nil || address != thanks.URL+"/thanks" {
			t.Errorf("the browser is at %q, error %v, want %s/thanks", address, err, thanks.URL)
		}
	})
}

// newFormTab opens a tab that ignores the errors that the browser logs for
// responses with a status of 422. It returns nil when no browser is installed.
func newFormTab(t *testing.T) context.Context {
	t.Helper()
	started := browser.Start(t)
	if started == nil {
		return nil
	}
	return browser.OpenTab(started, t, "status of 422")
}

package simulator

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"aisha/internal/check/browser"
)

// page is the simulator's page in a browser.
type page struct {
	fixture
	ctx context.Context //nolint:containedctx // of the browser tab, for the length of the test
}

func TestPage(t *testing.T) {
	t.Parallel()
	running := browser.Start(t)
	if running == nil {
		return
	}
	for name, test := range map[string]func(*testing.T, page){
		"another_number":    testAnotherNumber,
		"conversation":      testConversation,
		"message_actions":   testMessageActions,
		"attachments":       testAttachments,
		"stays_at_the_end":  testStaysAtTheEnd,
		"faults":            testFaults,
		"traffic":           testTraffic,
		"contrast_of_texts": testContrast,

		"phone_widths":             testPhoneWidths,
		"error_is_cleared":         testErrorIsCleared,
		"chosen_person_is_in_view": testChosenPersonIsInView,
		"numbers_are_whole":        testNumbersAreWhole,
		"sign_up_form":             testSignUpForm,
		"referral_code":            testReferralCode,
	} {
		t.Run(name, func(t *testing.T) { test(t, openPage(running, t)) })
	}
}

// openPage opens the page of a new simulator in a tab of its own. A refused input
// is an error in the browser's console.
func openPage(running context.Context, t *testing.T) page {
	t.Helper()
	p := page{fixture: newFixture(t, &fakeService{}), ctx: browser.OpenTab(running, t, "status of 422")}
	p.do(t, "open the page", chromedp.Navigate(p.url+"/"))
	p.wait(t, `document.querySelectorAll("#people button").length > 0`)
	return p
}

func (p page) resize(t *testing.T, width, height int64) {
	t.Helper()
	p.do(t, "resize the window", chromedp.EmulateViewport(width, height))
}

func (p page) do(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func (p page) click(t *testing.T, selector string) {
	t.Helper()
	p.do(t, "click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

func (p page) typeInto(t *testing.T, selector, text string) {
	t.Helper()
	p.do(t, "type into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// wait waits until an expression is true in the page.
func (p page) wait(t *testing.T, expression string) {
	t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression)); err != nil {
		shown, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.querySelector(".chat").innerText`))
		t.Fatalf("wait for %s: %v; the chat shows:\n%s", expression, err, shown)
	}
}

func evaluate[T any](t *testing.T, p page, expression string) T {
	t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// textOf returns the text of the first element.
func (p page) textOf(t *testing.T, selector string) string {
	t.Helper()
	return evaluate[string](t, p, fmt.Sprintf(`document.querySelector(%q).textContent.replace(/\s+/g, " ").trim()`, selector))
}

// choose opens the menu of a message and chooses an item by its label.
func (p page) choose(t *testing.T, wamid, label string) {
	t.Helper()
	actions := fmt.Sprintf(`[data-id=%q] .actions`, wamid)
	p.wait(t, fmt.Sprintf(`document.querySelector(%q) !== null`, actions))
	p.click(t, actions)
	p.wait(t, `document.activeElement.closest("#bubble-menu") !== null`)
	p.do(t, "choose "+label, chromedp.Click(chromedp.Search(
		fmt.Sprintf(`//*[@id="bubble-menu"]//*[@role="menuitem"][.=%q or @aria-label=%q]`, label, label))))
}

// chooseAttachment opens the menu of attachments and chooses an item.
func (p page) chooseAttachment(t *testing.T, item string) {
	t.Helper()
	p.click(t, "#attach")
	p.wait(t, `document.activeElement.closest("#attach-menu") !== null`) // the menu is placed
	p.click(t, item)
}

func testAnotherNumber(t *testing.T, p page) {
	p.resize(t, 1280, 860)
	if head := p.textOf(t, ".chat-head"); !strings.HasPrefix(head, "Aisha") || !strings.Contains(head, "You are Wanjiru Kamau +254 712 345 678") {
		t.Errorf("header is %q, want Aisha and who one is", head)
	}
	p.click(t, "#meet-open")
	p.typeInto(t, "#number", "Wanjiru\r")
	p.wait(t, `document.getElementById("meet-error").textContent.includes("0712 345 678")`)
	evaluate[any](t, p, `document.getElementById("number").value = ""`)
	p.typeInto(t, "#number", "0799 111-222")
	p.typeInto(t, "#meet-name", "Njeri\r")
	p.wait(t, `document.querySelector(".chat-head").textContent.includes("Njeri")`)
	if head := p.textOf(t, ".you"); head != "You are Njeri +254 799 111 222" {
		t.Errorf("header is %q, want Njeri with her number", head)
	}
	if evaluate[bool](t, p, `document.getElementById("meet-dialog").open`) {
		t.Error("the dialog is still open")
	}
}

func testConversation(t *testing.T, p page) {
	p.resize(t, 1280, 860)
	p.typeInto(t, "#message", "Habari\r")
	p.wait(t, `document.querySelector("[data-direction=out][data-state=delivered]") !== null`)
	p.answer(t, "Karibu, *Wanjiru*!\nSee _this_, ~that~ and `code`.")
	check := func(when string) {
		t.Helper()
		p.wait(t, `document.querySelector("[data-direction=in][data-state=read]") !== null`)
		if p.textOf(t, "[data-direction=in] .text strong") != "Wanjiru" || p.textOf(t, "[data-direction=in] .text em") != "this" ||
			p.textOf(t, "[data-direction=in] .text s") != "that" || p.textOf(t, "[data-direction=in] .text code") != "code" {
			t.Errorf("%s: the answer is not formatted: %s", when, evaluate[string](t, p, `document.querySelector("[data-direction=in]").innerHTML`))
		}
		if got := p.textOf(t, "#people [aria-current] .preview strong"); got != "Wanjiru" {
			t.Errorf("%s: bold text of the preview is %q, want Wanjiru", when, got)
		}
		if ticks := evaluate[[]int](t, p, `["out", "in"].map((d) => document.querySelectorAll("[data-direction=" + d + "] .foot svg").length)`); ticks[0] != 1 || ticks[1] != 0 {
			t.Errorf("%s: ticks of own messages and answers: %v, want 1 and 0", when, ticks)
		}
	}
	check("at first")
	p.do(t, "reload", chromedp.Navigate(p.url+"/"))
	check("after a reload")

	p.typeInto(t, "#message", "a draft of Wanjiru")
	p.click(t, "#people li:nth-child(2) button")
	p.wait(t, `!document.getElementById("empty").hidden && document.getElementById("message").value === ""`)
	p.click(t, "#people li:nth-child(1) button")
	p.wait(t, `document.getElementById("empty").hidden && document.getElementById("message").value === "a draft of Wanjiru"`)
}

func testMessageActions(t *testing.T, p page) {
	p.resize(t, 1280, 860)
	own := p.Say(wanjiru, "frist")
	answer := p.answer(t, "an answer").WAMID

	p.choose(t, answer, "React with heart")
	p.wait(t, `document.querySelector(".reaction")?.textContent.includes("❤️")`)
	p.choose(t, answer, "Reply")
	p.wait(t, `!document.getElementById("context").hidden && document.activeElement.id === "message"`)
	p.typeInto(t, "#message", "why?\r")
	p.wait(t, `document.querySelector("[data-direction=out] .quoted")?.textContent === "Aishaan answer"`)
	p.choose(t, own, "Edit")
	p.wait(t, `document.getElementById("message").value === "frist"`)
	evaluate[any](t, p, `document.getElementById("message").select()`)
	p.typeInto(t, "#message", "first\r")
	p.wait(t, fmt.Sprintf(`document.querySelector('[data-id=%q]').textContent.includes("Edited")`, own))
	p.choose(t, own, "Delete for everyone")
	p.wait(t, fmt.Sprintf(`document.querySelector('[data-id=%q]').textContent.includes("You deleted this message")`, own))

	p.waitFor(t, idle)
	batch := p.service.batch()
	if len(batch.Edits) != 1 || batch.Edits[0].Text.Reveal() != "first" || len(batch.Revokes) != 1 || batch.Revokes[0].WAMID != own {
		t.Errorf("service decodes the edits %v and the deletions %v, want one of each", batch.Edits, batch.Revokes)
	}
	if last := batch.Messages[len(batch.Messages)-1]; last.QuotedWAMID != answer || last.Text.Reveal() != "why?" {
		t.Errorf("service decodes %+v, want a reply to %s", last, answer)
	}

	// With the keyboard alone: Enter opens the menu, an arrow moves, Escape closes.
	p.do(t, "focus the actions", chromedp.Focus(chromedp.CSS(fmt.Sprintf(`[data-id=%q] .actions`, answer))), chromedp.KeyEvent(kb.Enter))
	p.wait(t, `document.activeElement.getAttribute("aria-label") === "React with thumbs up"`)
	p.do(t, "press the up arrow", chromedp.KeyEvent(kb.ArrowUp))
	p.wait(t, `document.activeElement.textContent === "Reply"`)
	p.do(t, "press Escape", chromedp.KeyEvent(kb.Escape))
	p.wait(t, fmt.Sprintf(`document.activeElement.closest('[data-id=%q]') !== null && document.activeElement.getAttribute("aria-expanded") === "false"`, answer))
}

// onePixel is a PNG of one pixel.
const onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func testAttachments(t *testing.T, p page) {
	p.resize(t, 1280, 860)
	pixel, err := base64.StdEncoding.DecodeString(onePixel)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"shop.png": pixel, "prices.pdf": []byte("%PDF-1.7"), "voice.ogg": []byte("OggS\x00voice")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	attach := func(kind, name string) {
		t.Helper()
		p.chooseAttachment(t, "[data-pick="+kind+"]")
		p.do(t, "attach "+name, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{filepath.Join(dir, name)}, chromedp.NodeReady))
	}
	// Without this, the click opens a file dialog of the operating system.
	evaluate[any](t, p, `document.getElementById("file").click = () => {}`)

	attach("media", "shop.png")
	p.wait(t, `document.getElementById("context").textContent.includes("shop.png")`)
	p.typeInto(t, "#message", "my shop\r")
	p.wait(t, `document.querySelector("[data-kind=image] img")?.naturalWidth === 1`)
	attach("document", "prices.pdf")
	p.click(t, "#send")
	p.wait(t, `document.querySelector("[data-kind=document] a")?.textContent.startsWith("prices.pdf")`)
	attach("audio", "voice.ogg")
	p.wait(t, `document.querySelector("[data-kind=audio] audio") !== null`)

	p.chooseAttachment(t, "[data-dialog=location-dialog]")
	p.click(t, "#location-dialog .main")
	p.wait(t, `document.querySelector(".place")?.textContent.includes("KICC")`)
	p.chooseAttachment(t, "[data-dialog=echo-dialog]")
	p.typeInto(t, "#echo", "Joyce here")
	p.click(t, "#echo-dialog .main")
	p.wait(t, `document.querySelector("[data-direction=in]")?.textContent.includes("From the business phone")`)

	p.waitFor(t, idle)
	batch := p.service.batch()
	kinds := []string{}
	for _, m := range batch.Messages {
		kinds = append(kinds, m.Type)
	}
	if got := strings.Join(kinds, " "); got != "image document audio location" || len(batch.Echoes) != 1 {
		t.Errorf("service decodes the messages %q and %d echoes, want \"image document audio location\" and 1", got, len(batch.Echoes))
	}
}

func testStaysAtTheEnd(t *testing.T, p page) {
	p.resize(t, 390, 844)
	for i := range 30 {
		p.Say(wanjiru, fmt.Sprintf("message %d", i))
	}
	p.wait(t, `document.querySelectorAll("#messages li").length === 30`)
	const atEnd = `(() => { const s = document.getElementById("scroll"); return s.scrollHeight > s.clientHeight && s.scrollHeight - s.scrollTop - s.clientHeight < 2 })()`
	p.wait(t, atEnd)
	p.do(t, "open the keyboard", chromedp.EmulateViewport(390, 500))
	p.wait(t, `innerHeight === 500 && `+atEnd)
	evaluate[any](t, p, `(() => { const m = document.getElementById("message"); m.value = "a\ndraft\nof\nlines"; m.dispatchEvent(new Event("input")); })()`)
	p.wait(t, `document.getElementById("message").clientHeight > 80 && `+atEnd)

	evaluate[any](t, p, `(() => { const s = document.getElementById("scroll");
		s.addEventListener("scroll", () => { window.hasScrolled = true }); s.scrollTop = 0 })()`)
	p.wait(t, `window.hasScrolled`)
	p.answer(t, "an answer to somebody who reads the beginning")
	p.wait(t, `document.querySelector("[data-direction=in][data-state=read]") !== null`)
	if top := evaluate[float64](t, p, `document.getElementById("scroll").scrollTop`); top != 0 {
		t.Errorf("the conversation scrolled to %g, want it to stay where the person reads", top)
	}
}

func testFaults(t *testing.T, p page) {
	const (
		endIsVisible = `(() => { const b = document.querySelector("#faults [type=reset]"); b.scrollIntoView(); const r = b.getBoundingClientRect();
			return r.height > 0 && r.bottom <= innerHeight && document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2) === b })()`
		tooWide = `[document.documentElement, ...document.querySelectorAll("#faults :not(option)")]
			.filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.localName + " " + (e.name ?? ""))`
	)
	t.Run("wide", func(t *testing.T) {
		p.resize(t, 1280, 500)
		p.click(t, "#faults-toggle")
		if got := evaluate[string](t, p, `document.getElementById("faults-toggle").getAttribute("aria-expanded")`); got != "true" {
			t.Errorf("aria-expanded is %q after a click, want true", got)
		}
		p.wait(t, endIsVisible)
		evaluate[any](t, p, `document.getElementById("faults").elements.copies.click()`)
		p.wait(t, `document.querySelector("#faults-toggle .count").textContent === "1 on"`)
		evaluate[any](t, p, `document.querySelector(".traffic").scrollTop = 0`)
		p.click(t, "#faults-toggle")
		p.wait(t, `document.getElementById("faults-panel").hidden && document.getElementById("faults-toggle").getAttribute("aria-expanded") === "false"`)
	})
	t.Run("narrow", func(t *testing.T) {
		p.resize(t, 390, 500)
		p.click(t, "[data-show=faults]")
		if got := evaluate[string](t, p, `document.querySelector("[data-show=faults]").getAttribute("aria-pressed")`); got != "true" {
			t.Errorf("aria-pressed is %q after a click, want true", got)
		}
		p.wait(t, endIsVisible)
		for _, wide := range evaluate[[]string](t, p, tooWide) {
			t.Errorf("%s is wider than the window", wide)
		}
	})
}

func testTraffic(t *testing.T, p page) {
	p.resize(t, 1280, 860)
	p.Say(wanjiru, "a question about matatus")
	p.wait(t, `document.querySelectorAll("#traffic [data-outcome=ok]").length === 1`) // the order of the rows is that of the deliveries
	p.Say(Person{Phone: "254722905114"}, "something else")
	p.wait(t, `document.querySelectorAll("#traffic [data-outcome=ok]").length === 2`)

	p.typeInto(t, "#traffic-search", "wanjiru 345678 MATATUS 200")
	p.wait(t, `document.querySelectorAll("#traffic > li:not([hidden])").length === 1`)
	if row := p.textOf(t, "#traffic > li:not([hidden]) summary"); !strings.Contains(row, "Wanjiru") || !strings.Contains(row, "ms") ||
		!strings.Contains(row, "text message") || !strings.Contains(row, "200") {
		t.Errorf("row is %q, want the person, what was sent, how long it took and the status", row)
	}
	p.typeInto(t, "#traffic-search", " nothing")
	p.wait(t, `document.getElementById("traffic-empty").textContent === "No request matches."`)
	p.do(t, "clear the search", chromedp.Focus(chromedp.CSS("#traffic-search")), chromedp.KeyEvent(kb.Escape))
	p.wait(t, `document.querySelectorAll("#traffic > li:not([hidden])").length === 2`)

	p.click(t, "#traffic > li:last-child summary")
	p.do(t, "wait for the bodies", chromedp.WaitVisible(chromedp.CSS(".tools button")))
	evaluate[any](t, p, `navigator.clipboard.writeText = async (text) => { window.copied = text; }`)
	p.click(t, ".tools button:nth-child(1)")
	p.wait(t, `window.copied?.startsWith("curl -sS -X POST") && window.copied.includes("matatus")`)
	p.click(t, ".tools button:nth-child(2)")
	p.wait(t, `document.querySelectorAll("#traffic > li").length === 3`)
	p.waitFor(t, idle)
	if messages := p.service.batch().Messages; len(messages) != 3 || messages[2].WAMID != messages[0].WAMID && messages[2].WAMID != messages[1].WAMID {
		t.Errorf("service got %d messages, want one of the first two again", len(messages))
	}
	if docs := evaluate[string](t, p, `document.querySelector(".bar a").getAttribute("href")`); docs != "/docs" {
		t.Errorf("link to the documentation is %q, want /docs", docs)
	}
}

// lowContrast returns the visible texts whose contrast is below 4.5, the minimum
// of WCAG 2.2 level AA.
const lowContrast = `(() => {
	const parse = (color) => { const c = color.match(/[\d.]+/g).map(Number); return [...c.slice(0, 3), c[3] ?? 1]; };
	const over = (top, below) => below.map((c, i) => top[i] * top[3] + c * (1 - top[3]));
	const background = (e) => {
		const parent = e.parentElement ? background(e.parentElement) : [255, 255, 255];
		return over(parse(getComputedStyle(e).backgroundColor), parent);
	};
	const luminance = (rgb) => {
		const [r, g, b] = rgb.map((c) => { c /= 255; return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; });
		return .2126 * r + .7152 * g + .0722 * b;
	};
	const contrast = (e) => {
		const below = background(e);
		const [a, b] = [luminance(over(parse(getComputedStyle(e).color), below)), luminance(below)];
		return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
	};
	const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim() !== "");
	return [...document.querySelectorAll("body *")]
		.filter((e) => hasText(e) && e.checkVisibility() && !e.matches(":disabled, option, script, noscript *"))
		.map((e) => [contrast(e), e.className + " " + e.textContent.slice(0, 40)])
		.filter(([value]) => value < 4.5)
		.map(([value, text]) => value.toFixed(2) + ": " + text);
})()`

func testContrast(t *testing.T, p page) {
	p.resize(t, 1280, 860)
	p.Say(wanjiru, "deleted")
	own := p.Say(wanjiru, "a question with a [link](https://localhost/)")
	answer := p.answer(t, "*bold*, `code`, https://localhost/x\n> a quote\n```a block```").WAMID
	p.act(t, "/api/reactions", answer, "👍")
	p.act(t, "/api/edits", own, "edited https://localhost/")
	person := p.store.addPerson(wanjiru).UserID
	p.post(t, "/api/messages", fmt.Sprintf(`{"person":%q,"text":"a reply","quotes":%q}`, person, answer))
	p.post(t, "/api/locations", fmt.Sprintf(`{"person":%q,"latitude":1,"longitude":2,"address":"Nairobi"}`, person))
	p.post(t, "/api/echoes", fmt.Sprintf(`{"person":%q,"text":"a human"}`, person))
	p.SendFile(wanjiru, kindDocument, "text/plain", []byte("x"), "a caption")
	p.waitFor(t, idle)
	p.wait(t, `document.querySelectorAll("#messages li").length === 7`)
	p.click(t, "#faults-toggle")
	for _, scheme := range []string{"light", "dark"} {
		p.useColorScheme(t, scheme)
		for _, text := range evaluate[[]string](t, p, lowContrast) {
			t.Errorf("%s: contrast %s; want at least 4.5", scheme, text)
		}
	}
	// The bubbles also differ from what is behind them.
	if same := evaluate[bool](t, p, `(() => { const of = (s) => getComputedStyle(document.querySelector(s)).backgroundColor;
		return new Set([of("[data-direction=in]"), of("[data-direction=out]"), of("#scroll")]).size < 3 })()`); same {
		t.Error("bubbles have the color of what is behind them")
	}
}

package simulator

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// cutNumbers returns the numbers in both lists whose last digits are not whole.
const cutNumbers = `[...document.querySelectorAll("#traffic .number, #people .number")]
	.filter((e) => {
		const end = e.lastElementChild.getBoundingClientRect();
		const box = e.parentElement.getBoundingClientRect();
		return e.checkVisibility() && (end.right > box.right + 1 || end.top < box.top - 1 || end.bottom > box.bottom + 1);
	})
	.map((e) => e.parentElement.className + " " + e.textContent)`

// wholeNumbers returns the numbers of which not only the last digits are shown.
const wholeNumbers = `[...document.querySelectorAll("#traffic .number, #people .number")]
	.filter((e) => e.firstElementChild.getBoundingClientRect().top === e.lastElementChild.getBoundingClientRect().top)
	.map((e) => e.parentElement.className + " " + e.textContent)`

func (p page) resizePhone(t *testing.T, width int64) {
	t.Helper()
	p.do(t, "emulate a phone", chromedp.EmulateViewport(width, 844, chromedp.EmulateMobile))
}

func (p page) useColorScheme(t *testing.T, scheme string) {
	t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatalf("emulate the color scheme %s: %v", scheme, err)
	}
}

// testPhoneWidths opens the views of the page on phones. A phone shows a page
// that is too wide at a smaller scale, so innerWidth grows with it.
func testPhoneWidths(t *testing.T, p page) {
	p.Say(wanjiru, "hello")
	p.waitFor(t, idle)
	for _, width := range []int64{320, 359, 390, 700} {
		p.resizePhone(t, width)
		for _, path := range []string{"/", "/signup"} {
			p.do(t, "open "+path, chromedp.Navigate(p.url+path))
			assertFits(t, p, path, width)
		}
		p.do(t, "open the page", chromedp.Navigate(p.url+"/"))
		p.wait(t, `document.querySelectorAll("#people button").length > 0`)
		for _, view := range []string{"traffic", "faults", "chat"} {
			p.click(t, "[data-show="+view+"]")
			assertFits(t, p, view, width)
		}
		textIsSeen := evaluate[bool](t, p, `document.getElementById("service-text").getBoundingClientRect().width > 1`)
		if want := width >= 360; textIsSeen != want {
			t.Errorf("at %d pixels the state of the service is shown as a text: %t, want %t", width, textIsSeen, want)
		}
	}
}

func assertFits(t *testing.T, p page, what string, width int64) {
	t.Helper()
	got := evaluate[[]int64](t, p, `[document.documentElement.scrollWidth, innerWidth]`)
	if got[0] != width || got[1] != width {
		t.Errorf("%s at %d pixels: the page is %d wide in a window of %d", what, width, got[0], got[1])
	}
}

// testErrorIsCleared causes an error below the composer before each action that
// does not begin in the composer.
func testErrorIsCleared(t *testing.T, p page) {
	p.resize(t, 1280, 860)
	fail := func() {
		t.Helper()
		evaluate[any](t, p, `(() => {
			window.realFetch ??= window.fetch;
			window.fetch = async () => { throw new Error("offline"); };
			return 0;
		})()`)
		p.typeInto(t, "#message", "a draft")
		p.click(t, "#send")
		p.wait(t, `document.getElementById("composer-error").textContent.startsWith("Not sent")`)
		evaluate[any](t, p, `(() => { window.fetch = window.realFetch; return 0; })()`)
	}
	isCleared := `document.getElementById("composer-error").textContent === "" && document.getElementById("message").value.startsWith("a draft")`

	fail()
	p.chooseAttachment(t, "[data-dialog=location-dialog]")
	p.click(t, "#location-dialog .main")
	p.wait(t, `document.querySelector(".place") !== null && `+isCleared)

	fail()
	p.chooseAttachment(t, "[data-dialog=echo-dialog]")
	p.typeInto(t, "#echo", "Joyce here")
	p.click(t, "#echo-dialog .main")
	p.wait(t, `document.querySelector("[data-direction=in]") !== null && `+isCleared)

	fail()
	evaluate[any](t, p, `(() => {
		const file = document.getElementById("file");
		file.click = () => {};
		document.querySelector("[data-pick=audio]").click();
		const chosen = new DataTransfer();
		chosen.items.add(new File(["OggS voice"], "voice.ogg", { type: "audio/ogg" }));
		file.files = chosen.files;
		file.dispatchEvent(new Event("change"));
		return 0;
	})()`)
	p.wait(t, `document.querySelector("[data-kind=audio]") !== null && `+isCleared)
}

// testChosenPersonIsInView chooses a person at the end of the list, which a phone
// shows as a strip.
func testChosenPersonIsInView(t *testing.T, p page) {
	const inView = `(() => { const r = document.querySelector("#people [aria-current]").getBoundingClientRect();
		return r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight; })()`
	for i := range 30 {
		p.store.addPerson(Person{Phone: fmt.Sprintf("2547990000%02d", i)})
	}
	p.wait(t, `document.querySelectorAll("#people button").length === 35`)
	for _, tt := range []struct {
		number string
		resize func()
	}{
		{"0799 111 222", func() { p.resizePhone(t, 390) }},
		{"0799 111 333", func() { p.resize(t, 1280, 860) }},
	} {
		tt.resize()
		p.click(t, "#meet-open")
		p.typeInto(t, "#number", tt.number+"\r")
		p.wait(t, fmt.Sprintf(`document.getElementById("you-name").textContent.endsWith(%q)`, tt.number[5:]))
		p.wait(t, inView)
	}
}

// testNumbersAreWhole shows a person without a name in both lists.
func testNumbersAreWhole(t *testing.T, p page) {
	unnamed := Person{Phone: "254722905199"}
	id := p.store.addPerson(unnamed).UserID
	p.wait(t, `document.querySelectorAll("#people button").length === 6`)
	previewOf := fmt.Sprintf("[data-person=%q] .preview", id)
	if got := p.textOf(t, previewOf); got != "no messages yet" {
		t.Errorf("preview of a person without name and messages is %q, want \"no messages yet\"", got)
	}
	p.Say(unnamed, "hello")
	p.wait(t, `document.querySelectorAll("#traffic [data-outcome=ok]").length === 1`) // the order of the rows is that of the deliveries
	p.Say(Person{Phone: "4915112345678"}, "hello from abroad")
	p.wait(t, `document.querySelectorAll("#traffic [data-outcome=ok]").length === 2`)
	if got := p.textOf(t, previewOf); got != "You: hello" {
		t.Errorf("preview is %q, want the message", got)
	}
	p.resize(t, 1280, 860)
	want := []string{"name +254 722 905 199", "name +4915112345678", "person +4915112345678", "person +254 722 905 199"}
	if diff := cmp.Diff(want, evaluate[[]string](t, p, wholeNumbers)); diff != "" {
		t.Errorf("numbers that are whole on a wide page (-want +got):\n%s", diff)
	}
	for _, show := range []func(){
		func() { p.resize(t, 1280, 860) },
		func() { p.resize(t, 1100, 860) },
		func() { p.resize(t, 720, 860) },
		func() { p.resizePhone(t, 390) },
		func() { p.resizePhone(t, 320) },
	} {
		show()
		for _, view := range []string{"chat", "traffic"} {
			evaluate[any](t, p, fmt.Sprintf(`document.querySelector("[data-show=%s]").click()`, view))
			for _, cut := range evaluate[[]string](t, p, cutNumbers) {
				t.Errorf("%s at %d pixels: %s is cut off", view, evaluate[int64](t, p, `innerWidth`), cut)
			}
		}
	}
}

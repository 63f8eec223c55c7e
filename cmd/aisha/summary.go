package main

import (
	"fmt"
	"io"
)

// summary is printed once everything runs.
type summary struct {
	out       io.Writer
	database  string            // empty: the configured one
	secrets   string            // file with the secrets of simulated webhooks
	simulator *runningSimulator // nil: nothing is simulated
}

func (s summary) print(url string) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }
	p("")
	p("Aisha is up.")
	p("")
	p("  API         %s", url)
	p("  API pages   %s/docs and %s/redoc", url, url)
	if s.simulator != nil && s.simulator.whatsapp {
		p("  Phone       %s", s.simulator.url)
		p("  Secrets     %s, to verify and sign webhooks as Meta does", s.secrets)
	}
	if s.simulator != nil {
		p("  Sign-up     %s/signup, a form to copy", s.simulator.url)
	}
	if s.database != "" {
		p("  Database    %s", s.database)
	}
	p("  Gemini      %s", realOrSimulated(s.simulator != nil && s.simulator.gemini, "GEMINI_API_KEY"))
	p("  WhatsApp    %s", realOrSimulated(s.simulator != nil && s.simulator.whatsapp, "WHATSAPP_TOKEN"))
	p("")
	p("A first request:")
	p("")
	p("  curl %s/waiting-list/ -H 'Content-Type: application/json' \\", url)
	p("    -d '{\"username\":\"John Doe\",\"phone_number\":\"0712345678\"}'")
	p("")
	p("Ctrl-C stops everything; your data is kept.")
	p("")
}

func realOrSimulated(simulated bool, name string) string {
	if simulated {
		return "simulated; set " + name + " in .env for the real one"
	}
	return "the real one, by " + name
}

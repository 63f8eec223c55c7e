package main

import (
	"fmt"
	"io"
)

// summary is what a newcomer reads when everything is up.
type summary struct {
	out       io.Writer
	database  string            // empty: the one that was configured
	simulator *runningSimulator // nil: nothing is simulated
}

func (s summary) print(address string) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }
	p("")
	p("Aisha is up.")
	p("")
	p("  API         http://%s", address)
	p("  API pages   http://%s/docs and http://%s/redoc", address, address)
	if s.simulator != nil && s.simulator.whatsapp {
		p("  Phone       %s", s.simulator.address)
	}
	if s.database != "" {
		p("  Database    %s", s.database)
	}
	p("  Gemini      %s", side(s.simulator != nil && s.simulator.gemini, "GEMINI_API_KEY"))
	p("  WhatsApp    %s", side(s.simulator != nil && s.simulator.whatsapp, "WHATSAPP_TOKEN"))
	p("")
	p("A first request:")
	p("")
	p("  curl http://%s/waiting-list/ -H 'Content-Type: application/json' \\", address)
	p("    -d '{\"username\":\"John Doe\",\"phone_number\":\"0712345678\"}'")
	p("")
	p("Ctrl-C stops everything; your data is kept.")
	p("")
}

func side(simulated bool, name string) string {
	if simulated {
		return "simulated; set " + name + " in .env for the real one"
	}
	return "the real one, by " + name
}

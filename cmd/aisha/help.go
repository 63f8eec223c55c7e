package main

import (
	"fmt"
	"io"
)

// printHelp prints the help of the command that args name, or the list of all
// commands.
func printHelp(out io.Writer, args []string) error {
	text := usage
	if len(args) > 0 {
		help, found := commandHelp(args[0])
		if !found {
			return fmt.Errorf("%w: unknown command %q", errUsage, args[0])
		}
		text = help
	}
	_, err := fmt.Fprint(out, text)
	return err
}

// commandHelp returns the help of a command and reports whether it exists.
func commandHelp(name string) (string, bool) {
	text, found := map[string]string{
		"serve": `Usage: aisha serve

Runs the service until SIGINT or SIGTERM. It reads the environment and the file
.env, applies pending migrations, and listens on HOST:PORT. Required variable:
DATABASE_URL. .env.example explains all of them.
`,
		"migrate": `Usage: aisha migrate

Applies pending migrations to DATABASE_URL and exits. aisha serve does the same at
its start.
`,
		"dev": `Usage: aisha dev

Runs the service on this machine together with what is not configured: a PostgreSQL
without DATABASE_URL, and a simulator of Gemini without GEMINI_API_KEY and of
WhatsApp without WHATSAPP_TOKEN. It listens on 127.0.0.1 unless HOST is set. Its
data and secrets are in AISHA_DATA_DIR.
`,
		"list": `Usage: aisha list

  aisha list import FILE   adds people from a CSV file to the waiting list
  aisha list export        writes the waiting list as CSV or NDJSON

Both call the API of a running service, at AISHA_URL with ADMIN_TOKEN; without
AISHA_URL, the service on this machine. aisha list import --help and aisha list export
--help explain their arguments.
`,
		"health": `Usage: aisha health

Exits with 0 if GET /healthz of the service on this machine responds 200, and with
1 otherwise. It reads HOST and PORT as the service does.
`,
		"version": `Usage: aisha version

Prints the version, the commit and the version of Go.
`,
	}[name]
	return text, found
}

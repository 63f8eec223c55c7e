// Command aisha is the waiting list and the WhatsApp assistant, in one program.
//
// This package alone connects the other packages, and decides the order in which
// the components start and stop.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

const usage = `Aisha: a waiting list, a WhatsApp assistant and Gemini, in one program.

Usage:
  aisha serve     run the service; DATABASE_URL must be set
  aisha migrate   apply pending migrations and exit
  aisha dev       run everything on this machine, without any account
  aisha version   print the version

The environment (or a file .env) configures it; .env.example explains each name.
`

// errUsage means that the arguments name no command.
var errUsage = errors.New("unknown command")

// gcPercent is the GOGC of the program. Almost everything that a request allocates
// is garbage after it, so the heap is a few megabytes, and with the default of 100
// the collector would run all the time under load. GOGC and GOMEMLIMIT in the
// environment take precedence.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// The first signal stops the program in order. After that the default
	// behaviour is restored, so a second one stops it at once.
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore)

	switch err := run(ctx, os.Args[1:], os.Stdout); {
	case errors.Is(err, context.Canceled):
		// Stopped by a signal during the start, which is no failure.
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "aisha:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	switch args[0] {
	case "serve":
		return serve(ctx)
	case "migrate":
		return migrate(ctx, out)
	case "dev":
		return dev(ctx, out)
	case "version":
		return printVersion(out)
	case "help", "-h", "--help":
		_, err := fmt.Fprint(out, usage)
		return err
	default:
		return errUsage
	}
}

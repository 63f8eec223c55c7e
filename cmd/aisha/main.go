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
  aisha list      import people into the waiting list, or export it
  aisha health    exit with 0 if the service on this machine is up, for containers
  aisha version   print the version
  aisha help      print this text; after a command, print its help

The environment (or a file .env) configures it; .env.example explains each name.
`

// errUsage means that the arguments are not those of a command. main prints usage
// after it.
var errUsage = errors.New("wrong usage")

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
		fmt.Fprintf(os.Stderr, "aisha: %v\n\n%s", err, usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "aisha:", err)
		os.Exit(1)
	}
}

// run executes the command that the arguments name. Errors: errUsage, and those of
// the command.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: no command", errUsage)
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-v", "-version", "--version":
		name = "version"
	}
	if name == "help" {
		return printHelp(out, args[1:])
	}
	if name == "list" {
		return list(ctx, args[1:], out)
	}
	help, found := commandHelp(name)
	if !found {
		return fmt.Errorf("%w: unknown command %q", errUsage, name)
	}
	if len(args) > 1 {
		if arg := args[1]; arg != "-h" && arg != "-help" && arg != "--help" {
			return fmt.Errorf("%w: %s takes no arguments, but got %q", errUsage, name, arg)
		}
		_, err := fmt.Fprint(out, help)
		return err
	}
	switch name {
	case "serve":
		return serve(ctx)
	case "migrate":
		return migrate(ctx, out)
	case "dev":
		return dev(ctx, out)
	case "health":
		return health(ctx)
	default:
		return printVersion(out)
	}
}

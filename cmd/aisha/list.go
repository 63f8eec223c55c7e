package main

import (
	"context"
	"fmt"
	"io"
)

// list runs the commands of the waiting list. Errors: errUsage, and those of the
// command.
func list(ctx context.Context, args []string, out io.Writer) error {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "import":
		return listImport(ctx, args[1:], out)
	case "export":
		return listExport(ctx, args[1:])
	case "-h", "-help", "--help":
		return printHelp(out, []string{"list"})
	default:
		return fmt.Errorf("%w: list takes import or export, but got %q", errUsage, command)
	}
}

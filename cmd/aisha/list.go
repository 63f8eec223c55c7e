package main

import (
	"context"
	"fmt"
)

// list runs the commands of the waiting list.
func list(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "export" {
		return fmt.Errorf("%w: list takes export", errUsage)
	}
	return listExport(ctx, args[1:])
}

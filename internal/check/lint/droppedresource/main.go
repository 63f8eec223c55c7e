// Command droppedresource runs the droppedresource analyzer on packages.
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"aisha/internal/check/lint"
)

func main() { singlechecker.Main(lint.NewDroppedResource()) }

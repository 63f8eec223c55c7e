package config

import (
	"fmt"
	"strings"
)

// Problem says why a variable is invalid. It never quotes the value, because any
// variable may contain a secret by mistake.
type Problem struct {
	Name    string
	Message string
}

// Problems is an error that lists all invalid variables.
type Problems []Problem

// Error lists the problems, one on each line.
func (p Problems) Error() string {
	noun := "problems"
	if len(p) == 1 {
		noun = "problem"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "configuration: %d %s", len(p), noun)
	for _, problem := range p {
		fmt.Fprintf(&text, "\n  %s: %s", problem.Name, problem.Message)
	}
	return text.String()
}

package config

import (
	"fmt"
	"strings"
)

// Problem is what is wrong with one variable. It never quotes the value, which
// may be a secret or a secret put into the wrong variable.
type Problem struct {
	Name    string
	Message string
}

// Problems is everything that is wrong with the configuration.
type Problems []Problem

// Error lists the problems, one a line.
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

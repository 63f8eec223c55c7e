//go:build !linux

package localpg

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// processAttributes puts a child into its own process group, so that Ctrl-C in
// the terminal does not reach the server. Only Linux can stop the server when this
// process is killed; on other systems the next start stops it. Only Linux supports
// bypassPermissions.
func (p programs) processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: p.user}
}

// isServerOf reports whether the process is a server that was started on the data
// folder.
func isServerOf(ctx context.Context, pid int, data string) bool {
	line, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(line), "-D "+data)
}

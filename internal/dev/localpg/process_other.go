//go:build !linux

package localpg

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes makes a child that Ctrl-C in the terminal does not reach, because
// the server has to end last. Only Linux can end it when we are killed; here
// the next start does. Only Linux lets it in everywhere, too.
func attributes(as *syscall.Credential, _ bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as}
}

// serves reports whether the process is a server that was started on the data
// folder.
func serves(ctx context.Context, pid int, data string) bool {
	line, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(line), "-D "+data)
}

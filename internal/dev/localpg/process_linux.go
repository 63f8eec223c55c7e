package localpg

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// capDACOverride is CAP_DAC_OVERRIDE of capabilities(7).
const capDACOverride = 1

// processAttributes puts a child into its own process group, so that Ctrl-C in
// the terminal does not reach the server before this process has used it for the
// last time. Pdeathsig makes the kernel stop the server if this process is killed.
func (p programs) processAttributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT, Credential: p.user}
	if p.bypassPermissions {
		a.AmbientCaps = []uintptr{capDACOverride}
	}
	return a
}

// isServerOf reports whether the process is a server that was started on the data
// folder. It reads the command line, because every user can read that of another
// user's process, unlike its working directory. The command line of a zombie is
// empty.
func isServerOf(_ context.Context, pid int, data string) bool {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return err == nil && slices.Contains(strings.Split(string(line), "\x00"), data)
}

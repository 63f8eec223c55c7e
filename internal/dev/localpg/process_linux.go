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

// attributes makes a child that Ctrl-C in the terminal does not reach, because
// the server has to end last, and that the kernel ends when we are killed. Its
// own process group does the first, SIGINT at our death the second.
func attributes(as *syscall.Credential, everywhere bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT, Credential: as}
	if everywhere {
		a.AmbientCaps = []uintptr{capDACOverride}
	}
	return a
}

// serves reports whether the process is a server that was started on the data
// folder. The command line of another user's process is readable for
// everyone, unlike its working directory. That of a zombie is empty.
func serves(_ context.Context, pid int, data string) bool {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return err == nil && slices.Contains(strings.Split(string(line), "\x00"), data)
}

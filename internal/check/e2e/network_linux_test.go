package e2e

import (
	endian "encoding/binary" // the package has a variable named binary
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aisha/internal/check/testdb"
	"aisha/internal/dev/simulator"
)

// TestServe_connects_to_configured_hosts_only runs the service with a database,
// a Gemini API and a Graph API on loopback. Any connection to another address,
// and any connection to a proxy, is one that no setting asks for.
func TestServe_connects_to_configured_hosts_only(t *testing.T) {
	t.Parallel()
	proxy := newCountingProxy(t)
	for name, settings := range map[string][]string{"with_proxy": proxy.environment(), "without_proxy": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, simURL := newSimulator(t, simulator.Timing{})
			service, sockets := launchWatched(t, environment(testdb.New(t), simURL, settings...), "serve")
			sim.SetWebhookURL(service.url + "/webhook/whatsapp")

			if status, body := request(t, "POST", service.url+"/gemini", `{"prompt":"Habari"}`); status != 200 {
				t.Errorf("POST /gemini: got %d %s, want 200", status, body)
			}
			sim.Say(person(1), token(1, 0))
			waitFor(t, sim, func(l simulator.Ledger) bool { return l.Counts.Outbound == 1 && l.Counts.Pending == 0 })

			remote := sockets.stop(t)
			if want := strings.TrimPrefix(simURL, "http://"); !slices.Contains(remote, want) {
				t.Errorf("remote addresses %q do not contain the simulator's %s", remote, want)
			}
			checkLoopback(t, remote)
		})
	}
}

// TestDev_connects_to_no_other_machine runs everything on this machine, without
// an account.
func TestDev_connects_to_no_other_machine(t *testing.T) {
	t.Parallel()
	proxy := newCountingProxy(t)
	env := append(proxy.environment(), "HOST=127.0.0.1", "PORT=0", "SIMULATOR_PORT=0", "AISHA_DATA_DIR="+t.TempDir())
	service, sockets := launchWatched(t, env, "dev")
	if status, body := request(t, "POST", service.url+"/gemini", `{"prompt":"Habari"}`); status != 200 {
		t.Errorf("POST /gemini: got %d %s, want 200", status, body)
	}
	checkLoopback(t, sockets.stop(t))
	if err := service.terminate(); err != nil {
		t.Errorf("stop the program: %v\n%s", err, service.output())
	}
}

// launchWatched starts the program, watches its sockets and waits until it serves.
func launchWatched(t *testing.T, env []string, command string) (*process, *socketWatch) {
	t.Helper()
	service := launch(t, env, command)
	sockets := watchSockets(t, service.cmd.Process.Pid)
	select {
	case <-service.serving():
	case err := <-service.exit:
		t.Fatalf("the program ended before it served: %v\n%s", err, service.output())
	case <-time.After(waitLimit):
		t.Fatalf("the program does not serve:\n%s", service.output())
	}
	return service, sockets
}

func checkLoopback(t *testing.T, remote []string) {
	t.Helper()
	t.Logf("remote addresses: %q", remote)
	if len(remote) == 0 {
		t.Error("no socket was seen, want those to the database")
	}
	for _, address := range remote {
		if !netip.MustParseAddrPort(address).Addr().IsLoopback() {
			t.Errorf("the program had a socket connected to %s, want loopback addresses only", address)
		}
	}
}

// countingProxy accepts connections, counts them and closes them.
type countingProxy struct {
	address  string
	mu       sync.Mutex
	accepted int
}

// newCountingProxy returns a proxy. The test fails at its end if the proxy accepted
// a connection.
func newCountingProxy(t *testing.T) *countingProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := &countingProxy{address: listener.Addr().String()}
	t.Cleanup(func() {
		if n := p.connections(); n != 0 {
			t.Errorf("the proxy accepted %d connections, want none", n)
		}
	})
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.accepted++
			p.mu.Unlock()
			_ = connection.Close()
		}
	}()
	return p
}

// environment returns the variables that make a program use the proxy.
func (p *countingProxy) environment() []string {
	var variables []string
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		variables = append(variables, name+"=http://"+p.address)
	}
	return variables
}

func (p *countingProxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// socketWatch collects the remote addresses of a process's sockets.
type socketWatch struct {
	pid     int
	end     chan struct{}
	ended   chan error
	remotes map[string]bool
}

// watchSockets looks at the sockets every few milliseconds until stop. A
// connection attempt without a response stays visible for seconds.
func watchSockets(t *testing.T, pid int) *socketWatch {
	t.Helper()
	w := &socketWatch{pid: pid, end: make(chan struct{}), ended: make(chan error, 1), remotes: map[string]bool{}}
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if err := w.look(); err != nil {
				w.ended <- err
				return
			}
			select {
			case <-w.end:
				w.ended <- nil
				return
			case <-tick.C:
			}
		}
	}()
	return w
}

// stop looks once more and returns all remote addresses seen, as address:port.
// The process must be running.
func (w *socketWatch) stop(t *testing.T) []string {
	t.Helper()
	close(w.end)
	if err := errors.Join(<-w.ended, w.look()); err != nil {
		t.Fatalf("read the sockets of the process: %v", err)
	}
	return slices.Sorted(maps.Keys(w.remotes))
}

// look reads /proc. The tables in /proc/PID/net list the sockets of all
// processes of a network namespace, so it selects those whose inode is among the
// process's file descriptors.
func (w *socketWatch) look() error {
	var rows []string
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", w.pid, table))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return err
		}
		rows = append(rows, slices.Collect(strings.Lines(string(content)))[1:]...)
	}
	inodes, err := socketInodes(w.pid)
	if err != nil {
		return err
	}
	for _, row := range rows {
		fields := strings.Fields(row)
		const remote, inode = 2, 9
		if len(fields) <= inode || !inodes[fields[inode]] {
			continue
		}
		address, err := parseProcAddress(fields[remote])
		if err != nil {
			return err
		}
		if address.Port() != 0 { // a listening socket has port 0
			w.remotes[address.String()] = true
		}
	}
	return nil
}

// socketInodes returns the inodes of the sockets that the process has open.
func socketInodes(pid int) (map[string]bool, error) {
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil, err
	}
	inodes := map[string]bool{}
	for _, descriptor := range descriptors {
		target, err := os.Readlink(descriptor)
		if errors.Is(err, fs.ErrNotExist) {
			continue // closed since
		}
		if err != nil {
			return nil, err
		}
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes, nil
}

// parseProcAddress parses an address such as 0100007F:1F90: 32-bit words of the
// address in network order, each printed in the byte order of the machine.
func parseProcAddress(text string) (netip.AddrPort, error) {
	words, hexPort, _ := strings.Cut(text, ":")
	port, err := strconv.ParseUint(hexPort, 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var raw []byte
	for word := range slices.Chunk([]byte(words), 8) {
		value, err := strconv.ParseUint(string(word), 16, 32)
		if err != nil {
			return netip.AddrPort{}, err
		}
		raw = endian.NativeEndian.AppendUint32(raw, uint32(value))
	}
	address, ok := netip.AddrFromSlice(raw)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address", text)
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(port)), nil
}

package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Start runs the cluster in o.Dir and creates it first if there is none. It
// returns when the server accepts connections. The context limits the start only.
// The server then runs until [Cluster.Stop] or until this process ends. Start
// fails if another process runs the cluster, if o.Port is taken, and if no
// suitable PostgreSQL is found.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	return start(ctx, o, programSource{dirs: installedDirs(ctx)})
}

func start(ctx context.Context, o Options, from programSource) (_ *Cluster, err error) {
	if o.DownloadDir == "" {
		o.DownloadDir = o.Dir
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("resolve the database's folder: %w", err)
	}
	if o.DownloadDir, err = filepath.Abs(o.DownloadDir); err != nil {
		return nil, fmt.Errorf("resolve the folder for downloads: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil { //nolint:gosec // the server's user must be able to enter
		return nil, fmt.Errorf("create the database's folder: %w", err)
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{options: o, lock: lock}
	if err := c.start(ctx, from); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, from programSource) error {
	user, err := serverUser(c.dataDir())
	if err != nil {
		return err
	}
	if err := stopLeftoverServer(ctx, c.dataDir()); err != nil {
		return err
	}
	if c.programs, err = c.findPrograms(ctx, user, from); err != nil {
		return err
	}
	if err := c.initialize(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return c.startServer(ctx)
}

// startServer starts the server and retries after two temporary errors: another
// process took the free port before the server did, or processes of a killed
// server still use its shared memory.
func (c *Cluster) startServer(ctx context.Context) error {
	for {
		err := c.tryStartServer(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errPortTaken) && c.options.Port == 0, errors.Is(err, errMemoryInUse):
			if sleepPollInterval(ctx) != nil {
				return err
			}
		default:
			return err
		}
	}
}

func (c *Cluster) tryStartServer(ctx context.Context) error {
	c.port = c.options.Port
	if c.port == 0 {
		free, err := freePort(ctx)
		if err != nil {
			return err
		}
		c.port = int(free)
	}
	var err error
	if c.server, err = startServer(c.programs, c.dataDir(), c.logFile(), c.settings()); err != nil {
		return err
	}
	if err := c.waitUntilReady(ctx); err != nil {
		return errors.Join(err, c.server.kill())
	}
	return nil
}

// settings returns the server's settings. They are command line arguments, so they
// override the configuration files in the data folder.
func (c *Cluster) settings() map[string]string {
	settings := map[string]string{
		"port":             strconv.Itoa(c.port),
		"listen_addresses": "127.0.0.1",
		// Unix sockets are off: the path of a socket has at most 107 bytes, and
		// Dir can be longer.
		"unix_socket_directories": "",
		"max_connections":         "200",
		"shared_buffers":          "128MB",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"lc_messages":             "C", // startError searches the log for English texts
		"logging_collector":       "off",
	}
	if !c.options.Durable {
		settings["fsync"] = "off"
		settings["synchronous_commit"] = "off"
		settings["full_page_writes"] = "off"
	}
	return settings
}

// waitUntilReady connects until a connection succeeds. The end of the server
// cancels an attempt, because it can hang if another program has the port.
func (c *Cluster) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-c.server.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if sleepPollInterval(ctx) == nil {
			continue
		}
		select {
		case <-c.server.exited:
			return c.server.startError()
		default:
			return fmt.Errorf("the database did not accept connections in time: %w; its log ends with:\n%s", err, c.server.logTail())
		}
	}
}

// freePort returns a port that is free now. Another process can still take it.
func freePort(ctx context.Context) (uint16, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port for the database: %w", err)
	}
	return listener.Addr().(*net.TCPAddr).AddrPort().Port(), listener.Close()
}

func sleepPollInterval(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pollInterval):
		return nil
	}
}

// Package localpg runs a PostgreSQL cluster of our own, for a developer's
// machine and for tests. It decides where the server's programs come from, as
// which user they run, and that no server outlives its owner. It leaves
// databases, roles and the schema to whoever connects.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"aisha/internal/sensitive"
)

const (
	superuser = "aisha"
	// startTimeout bounds the start of a prepared cluster. It leaves room for
	// the recovery that follows a crash.
	startTimeout = time.Minute
	pollInterval = 20 * time.Millisecond
)

// Options say which cluster to run and how.
type Options struct {
	// Dir keeps everything of the cluster: the data with the superuser's
	// password in data, the server's log in postgres.log.
	Dir string
	// DownloadDir keeps PostgreSQL's programs where they had to be downloaded,
	// so that clusters can share them; empty means Dir.
	DownloadDir string
	// Port is where the server listens on 127.0.0.1; 0 means a free one.
	Port int
	// Durable keeps every guarantee of PostgreSQL. A cluster that is not
	// durable is faster and survives the death of the server, but not of the
	// machine.
	Durable bool
	// Log is told what takes long; nil means nobody.
	Log *slog.Logger
}

// Cluster is a running server with its data.
type Cluster struct {
	options  Options
	programs programs
	lock     *os.File
	password sensitive.Secret
	port     int
	server   *server
}

// Start runs the cluster in o.Dir and makes it first where there is none. It
// returns when the server takes connections. The context bounds the start
// alone; afterwards the server runs until [Cluster.Stop], or until this
// process is gone.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	return start(ctx, o, source{dirs: installedDirs(ctx)})
}

func start(ctx context.Context, o Options, from source) (_ *Cluster, err error) {
	if o.DownloadDir == "" {
		o.DownloadDir = o.Dir
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("find the database's folder: %w", err)
	}
	if o.DownloadDir, err = filepath.Abs(o.DownloadDir); err != nil {
		return nil, fmt.Errorf("find the folder for downloads: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil { //nolint:gosec // the server's user has to get through
		return nil, fmt.Errorf("make the database's folder: %w", err)
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

func (c *Cluster) start(ctx context.Context, from source) error {
	as, err := serverUser(c.data())
	if err != nil {
		return err
	}
	if err := endLeftover(ctx, c.data()); err != nil {
		return err
	}
	if c.programs, err = c.findPrograms(ctx, as, from); err != nil {
		return err
	}
	if err := c.initialize(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return c.serve(ctx)
}

// serve starts the server until it stays. Another process may take a free port
// before the server does, and what a killed server leaves in memory keeps the
// next one out for a moment.
func (c *Cluster) serve(ctx context.Context) error {
	for {
		err := c.tryServe(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errPortTaken) && c.options.Port == 0, errors.Is(err, errMemoryInUse):
			if pause(ctx) != nil {
				return err
			}
		default:
			return err
		}
	}
}

func (c *Cluster) tryServe(ctx context.Context) error {
	c.port = c.options.Port
	if c.port == 0 {
		free, err := freePort(ctx)
		if err != nil {
			return err
		}
		c.port = int(free)
	}
	var err error
	if c.server, err = launch(c.programs, c.data(), c.logFile(), c.settings()); err != nil {
		return err
	}
	if err := c.awaitReady(ctx); err != nil {
		return errors.Join(err, c.server.crash())
	}
	return nil
}

// settings are given on the command line, so that a cluster follows this
// program and not what stood in its files when it was made.
func (c *Cluster) settings() map[string]string {
	settings := map[string]string{
		"port":             strconv.Itoa(c.port),
		"listen_addresses": "127.0.0.1",
		// The path of a socket may have 107 bytes at most, a checkout's more.
		"unix_socket_directories": "",
		"max_connections":         "200",
		"shared_buffers":          "128MB",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"lc_messages":             "C", // we read the log
		"logging_collector":       "off",
	}
	if !c.options.Durable {
		settings["fsync"] = "off"
		settings["synchronous_commit"] = "off"
		settings["full_page_writes"] = "off"
	}
	return settings
}

// awaitReady connects until it works. An attempt may hang, where another
// program has the port, so the end of the server ends it.
func (c *Cluster) awaitReady(ctx context.Context) error {
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
		if pause(ctx) == nil {
			continue
		}
		select {
		case <-c.server.exited:
			return c.server.failure()
		default:
			return fmt.Errorf("the database did not take connections in time: %w; its log ends with:\n%s", err, c.server.logTail())
		}
	}
}

// URL is where the superuser connects to the database of that name. A new
// cluster has "postgres". The URL contains the password.
func (c *Cluster) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.password.Reveal()),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Done is closed when the server has ended, for whatever reason.
func (c *Cluster) Done() <-chan struct{} { return c.server.exited }

// Stop ends the server in order: what is in flight is rolled back, what is
// committed is on disk. It returns within half a minute, with an error where
// the server had to be killed. Stopping a stopped cluster does nothing.
func (c *Cluster) Stop() error {
	return errors.Join(c.server.stop(), c.unlock())
}

// Kill ends the server as a crash does: nothing is finished or written. When
// it returns no process of the server is left, and Start recovers the cluster.
func (c *Cluster) Kill() error {
	return errors.Join(c.server.crash(), c.unlock())
}

// unlock lets others use the folder. The kernel does so too when we die.
func (c *Cluster) unlock() error {
	if err := c.lock.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func (c *Cluster) data() string    { return filepath.Join(c.options.Dir, "data") }
func (c *Cluster) logFile() string { return filepath.Join(c.options.Dir, "postgres.log") }

func freePort(ctx context.Context) (uint16, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port for the database: %w", err)
	}
	return listener.Addr().(*net.TCPAddr).AddrPort().Port(), listener.Close()
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pollInterval):
		return nil
	}
}

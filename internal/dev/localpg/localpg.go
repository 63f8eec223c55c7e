// Package localpg runs a private PostgreSQL cluster for development and tests. It
// finds or downloads the server's programs, chooses the user that runs them, and
// stops the server when the process that started it ends. It does not create
// databases, roles or the schema.
package localpg

import (
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"aisha/internal/sensitive"
)

const (
	superuser = "aisha"
	// startTimeout limits the start of an initialized cluster. It includes the
	// recovery after a crash.
	startTimeout = time.Minute
	pollInterval = 20 * time.Millisecond
)

// Options select a cluster and how it runs.
type Options struct {
	// Dir holds the cluster: the data and the superuser's password in data, and
	// the server's log in postgres.log.
	Dir string
	// DownloadDir holds PostgreSQL's programs if they had to be downloaded.
	// Several clusters can share it. Empty means Dir.
	DownloadDir string
	// Port is the server's port on 127.0.0.1. 0 means any free port.
	Port int
	// Durable keeps PostgreSQL's default durability. Without it the cluster is
	// faster, and its data survive a crash of the server but not a crash of the
	// machine.
	Durable bool
	// Log receives messages about steps that take long. nil discards them.
	Log *slog.Logger
}

// Cluster is a running PostgreSQL server with its data.
type Cluster struct {
	options  Options
	programs programs
	lock     *os.File
	password sensitive.Secret
	port     int
	server   *server
}

// URL returns the connection URL of the superuser for a database. It contains the
// password. A new cluster has the database "postgres".
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

// Done returns a channel that is closed when the server has ended for any reason.
func (c *Cluster) Done() <-chan struct{} { return c.server.exited }

// Stop shuts the server down. Open transactions are rolled back and committed ones
// are on disk. It returns within half a minute, with an error if the server had to
// be killed. A second call does nothing.
func (c *Cluster) Stop() error {
	return errors.Join(c.server.stop(), c.unlock())
}

// Kill ends the server like a crash, without a checkpoint. When it returns, all
// processes of the server have ended. Start then recovers the cluster.
func (c *Cluster) Kill() error {
	return errors.Join(c.server.kill(), c.unlock())
}

// unlock releases the lock of the folder. The kernel also releases it when this
// process ends.
func (c *Cluster) unlock() error {
	if err := c.lock.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func (c *Cluster) dataDir() string { return filepath.Join(c.options.Dir, "data") }
func (c *Cluster) logFile() string { return filepath.Join(c.options.Dir, "postgres.log") }

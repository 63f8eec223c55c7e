package localpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// serverUser returns the user that runs the server; nil means our own. PostgreSQL
// refuses to run as root. If we are root, the server runs as the owner of the data
// or, if there are no data yet, as an unprivileged user.
func serverUser(data string) (*syscall.Credential, error) {
	owner, err := ownerOf(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("check the database's data: %w", err)
	case os.Geteuid() != 0 && owner != nil && int(owner.Uid) != os.Geteuid():
		return nil, fmt.Errorf("the data in %s belong to another user, with id %d; use another folder, or run as that user or as root", data, owner.Uid)
	case os.Geteuid() != 0:
		return nil, nil
	case owner != nil && owner.Uid != 0:
		return owner, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if account, err := user.Lookup(name); err == nil {
			return credentialOf(account)
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody")
}

// ownerOf returns the owner of a folder, or nil if the folder does not exist.
func ownerOf(folder string) (*syscall.Credential, error) {
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}, nil
}

func credentialOf(account *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("parse the id of user %s: %w", account.Username, err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("parse the group of user %s: %w", account.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// chownToServerUser makes the server's user the owner of a folder and of all its
// files.
func (p programs) chownToServerUser(folder string) error {
	if p.user == nil {
		return nil
	}
	// Other users may write to the folder, so links must not lead outside of it.
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // nothing was written through it
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(path, int(p.user.Uid), int(p.user.Gid))
	})
}

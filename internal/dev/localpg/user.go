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

// serverUser is whom the server runs as; nil means us. PostgreSQL refuses to
// run as root, so then it runs as the owner of the data or, where there are
// none yet, as a user who has little to lose.
func serverUser(data string) (*syscall.Credential, error) {
	owner, err := ownerOf(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("look for the database's data: %w", err)
	case os.Geteuid() != 0 && owner != nil && int(owner.Uid) != os.Geteuid():
		return nil, fmt.Errorf("the data in %s belong to another user, with id %d; use another folder, or run as that user or as root", data, owner.Uid)
	case os.Geteuid() != 0:
		return nil, nil
	case owner != nil && owner.Uid != 0:
		return owner, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if account, err := user.Lookup(name); err == nil {
			return credential(account)
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody")
}

// ownerOf is the owner of the folder; nil means that it does not exist.
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

func credential(account *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the id of user %s: %w", account.Username, err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the group of user %s: %w", account.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// handOver makes the server's user the owner of the folder and of everything in it.
func (p programs) handOver(folder string) error {
	if p.as == nil {
		return nil
	}
	// Somebody else may write there, so no link must lead us outside.
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // only read
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(path, int(p.as.Uid), int(p.as.Gid))
	})
}

package localpg

import (
	"os"
	"strconv"
	"testing"
)

func TestLockDir(t *testing.T) {
	t.Parallel()
	t.Run("second_start_names_the_first", func(t *testing.T) {
		t.Parallel()
		o := Options{Dir: t.TempDir()}
		c := startCluster(t, o)
		_, err := Start(t.Context(), o)
		checkError(t, err, o.Dir, "already running with pid "+strconv.Itoa(os.Getpid()))
		storeValue(t, c, "the first still works")
	})
}

package queue_test

import (
	"testing"

	"aisha/internal/check/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// Package migrations holds the schema as numbered SQL files that goose applies
// in order. A file that has been released is never changed; a new one follows.
package migrations

import "embed"

// FS holds the migrations.
//
//go:embed *.sql
var FS embed.FS

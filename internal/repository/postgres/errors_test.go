package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"aisha/internal/fault"
	"aisha/internal/repository/postgres"
)

func sqlState(code string) error {
	return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code, Message: "duplicate key value of +254712345678"})
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	if err := postgres.Translate(nil); err != nil {
		t.Errorf("Translate(nil) = %v, want nil", err)
	}
	for name, tt := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"connection_exception":          {sqlState("08006"), fault.Unavailable},
		"too_many_connections":          {sqlState("53300"), fault.Unavailable},
		"disk_full":                     {sqlState("53100"), fault.Unavailable},
		"admin_shutdown":                {sqlState("57P01"), fault.Unavailable},
		"starting_up":                   {sqlState("57P03"), fault.Unavailable},
		"query_cancelled":               {sqlState("57014"), fault.Unavailable},
		"io_error":                      {sqlState("58030"), fault.Unavailable},
		"read_only_transaction":         {sqlState("25006"), fault.Unavailable},
		"idle_in_transaction_timeout":   {sqlState("25P03"), fault.Unavailable},
		"lock_not_available":            {sqlState("55P03"), fault.Unavailable},
		"serialization_failure":         {sqlState("40001"), fault.Unavailable},
		"deadlock":                      {sqlState("40P01"), fault.Unavailable},
		"requested_retry":               {postgres.ErrRetry, fault.Unavailable},
		"timeout":                       {context.DeadlineExceeded, fault.Unavailable},
		"connect_error":                 {&pgconn.ConnectError{}, fault.Unavailable},
		"network_error":                 {&net.OpError{Op: "read", Err: errors.New("reset")}, fault.Unavailable},
		"connection_closed":             {pgconn.ErrConnClosed, fault.Unavailable},
		"end_of_file":                   {io.EOF, fault.Unavailable},
		"unexpected_end_of_file":        {io.ErrUnexpectedEOF, fault.Unavailable},
		"caller_cancelled":              {context.Canceled, fault.Internal},
		"unique_violation":              {sqlState("23505"), fault.Internal},
		"undefined_table":               {sqlState("42P01"), fault.Internal},
		"data_exception":                {sqlState("22021"), fault.Internal},
		"failed_transaction":            {sqlState("25P02"), fault.Internal},
		"code_that_is_not_an_SQLSTATE":  {sqlState("08"), fault.Internal},
		"error_of_something_else":       {errors.New("x"), fault.Internal},
		"fault_that_is_translated_once": {fault.New(fault.Unavailable, "x"), fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := postgres.Translate(tt.err)
			if !fault.Is(got, tt.want) {
				t.Errorf("Translate(%v) = %v, want %v", tt.err, got, tt.want)
			}
			if !errors.Is(got, tt.err) {
				t.Errorf("Translate(%v) = %v, which does not wrap it", tt.err, got)
			}
		})
	}
}

func TestIsConflict(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                   {nil, false},
		"requested_retry":       {fmt.Errorf("wrapped: %w", postgres.ErrRetry), true},
		"serialization_failure": {sqlState("40001"), true},
		"deadlock":              {sqlState("40P01"), true},
		"translated":            {postgres.Translate(sqlState("40001")), true},
		"lock_timeout":          {sqlState("55P03"), false},
		"unique_violation":      {sqlState("23505"), false},
		"other":                 {io.EOF, false},
	} {
		if got := postgres.IsConflict(tt.err); got != tt.want {
			t.Errorf("%s: IsConflict = %t, want %t", name, got, tt.want)
		}
	}
}

func TestIsUnstorable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                    {nil, false},
		"null_character":         {sqlState("22021"), true},
		"value_too_long":         {sqlState("22001"), true},
		"program_limit_exceeded": {sqlState("54000"), true},
		"check_violation":        {sqlState("23514"), true},
		"not_null_violation":     {sqlState("23502"), false},
		"unique_violation":       {sqlState("23505"), false},
		"undefined_column":       {sqlState("42703"), false},
		"missing_permission":     {sqlState("42501"), false},
		"broken_index":           {sqlState("XX002"), false},
		"not_an_SQLSTATE":        {sqlState("22"), false},
		"other":                  {io.EOF, false},
	} {
		if got := postgres.IsUnstorable(tt.err); got != tt.want {
			t.Errorf("%s: IsUnstorable = %t, want %t", name, got, tt.want)
		}
	}
}

func TestIsUniqueViolation(t *testing.T) {
	t.Parallel()
	violation := func(code, constraint string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code, ConstraintName: constraint})
	}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                {nil, false},
		"first_constraint":   {violation("23505", "a"), true},
		"second_constraint":  {violation("23505", "b"), true},
		"another_constraint": {violation("23505", "c"), false},
		"another_code":       {violation("23514", "a"), false},
		"other":              {io.EOF, false},
	} {
		if got := postgres.IsUniqueViolation(tt.err, "a", "b"); got != tt.want {
			t.Errorf("%s: IsUniqueViolation = %t, want %t", name, got, tt.want)
		}
	}
}

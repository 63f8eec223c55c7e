package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// importLines is the length of the imported file. Shorter than the million of
	// the goal, so that both databases are measured in reasonable time.
	importLines = 200_000
	// operatorRequests is how many requests of each kind are measured.
	operatorRequests = 200
	adminToken       = "bench-admin-token"
)

// waitingList measures the operator's side of the waiting list.
type waitingList struct {
	b       *bench
	service *runningService
	entries int // already on the list
	client  http.Client
}

// listFigures are the results for one database.
type listFigures struct {
	page, search, position time.Duration // p95
	exported, imported     float64       // per second
	memory                 float64       // peak of the service, in MB
}

// measureWaitingList measures an empty list and one of so many entries, and prints
// both.
func (b *bench) measureWaitingList(ctx context.Context, entries int) error {
	var figures [2]listFigures
	for i, size := range []int{0, entries} {
		database := fmt.Sprintf("list%d", i)
		if err := b.migrate(ctx, database); err != nil {
			return err
		}
		if err := b.seedEntries(ctx, database, size); err != nil {
			return err
		}
		measured, err := b.measureList(ctx, database, size)
		if err != nil {
			return fmt.Errorf("waiting list of %d entries: %w", size, err)
		}
		figures[i] = measured
	}
	fmt.Printf("\n| waiting list | empty | %d entries | goal |\n|---|---|---|---|\n", entries)
	printListRow := func(name, goal string, of func(listFigures) string) {
		fmt.Printf("| %s | %s | %s | %s |\n", name, of(figures[0]), of(figures[1]), goal)
	}
	duration := func(of func(listFigures) time.Duration) func(listFigures) string {
		return func(f listFigures) string { return of(f).Round(100 * time.Microsecond).String() }
	}
	rate := func(of func(listFigures) float64) func(listFigures) string {
		return func(f listFigures) string { return fmt.Sprintf("%.0f/s", of(f)) }
	}
	printListRow("list page, p95", "", duration(func(f listFigures) time.Duration { return f.page }))
	printListRow("search, p95", "≤ 200ms", duration(func(f listFigures) time.Duration { return f.search }))
	printListRow("entry with position, p95", "≤ 10ms", duration(func(f listFigures) time.Duration { return f.position }))
	printListRow("exported entries", "", rate(func(f listFigures) float64 { return f.exported }))
	printListRow("imported lines", "≥ 5,556/s", rate(func(f listFigures) float64 { return f.imported }))
	printListRow("peak memory (RSS)", "≤ 150 MB", func(f listFigures) string { return fmt.Sprintf("%.0f MB", f.memory) })
	return nil
}

// seedEntries fills an empty list. Some names are common and some are rare.
func (b *bench) seedEntries(ctx context.Context, database string, entries int) error {
	conn, err := pgx.Connect(ctx, b.cluster.URL(database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	table := seedTable{name: "waitlist_entry", rows: entries, sql: `
		INSERT INTO waitlist_entry (id, username, phone_number, created_at) OVERRIDING SYSTEM VALUE
		SELECT n,
		       (ARRAY['John', 'Wanjiru', 'Achieng', 'Mwangi', 'Faith', 'Brian', 'Njeri', 'Otieno', 'Zawadi', 'Kipchoge'])[1 + n * 7919 % 10]
		           || ' ' || (ARRAY['Kamau', 'Odhiambo', 'Mutua', 'Chebet', 'Wafula', 'Ndung''u', 'Hassan', 'Barasa'])[1 + n * 104729 % 8]
		           || CASE WHEN n % 1000 = 0 THEN ' ' || md5(n::text) ELSE '' END,
		       '+2547' || (20000000 + n - 1), now() - interval '80 days'
		FROM generate_series($1::bigint, $2::bigint) AS n`}
	if _, err := conn.Exec(ctx, `SET synchronous_commit = off`); err != nil {
		return err
	}
	if entries > 0 {
		if err := table.fill(ctx, conn); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, `VACUUM (ANALYZE) waitlist_entry`)
	return err
}

func (b *bench) measureList(ctx context.Context, database string, entries int) (figures listFigures, err error) {
	service, err := b.launch(ctx, database, "ADMIN_TOKEN="+adminToken)
	if err != nil {
		return listFigures{}, err
	}
	defer func() { err = errors.Join(err, service.stop()) }()
	list := &waitingList{b: b, service: service, entries: entries}
	if err := list.waitUntilCounted(ctx, database); err != nil {
		return listFigures{}, err
	}
	for _, step := range []struct {
		name    string
		measure func(context.Context, *listFigures) error
	}{
		{"list pages", list.measurePages},
		{"searches", list.measureSearches},
		{"positions", list.measurePositions},
		{"export", list.measureExport},
		{"import", list.measureImport},
	} {
		logProgress(fmt.Sprintf("%s, %d entries", step.name, entries))
		if err := step.measure(ctx, &figures); err != nil {
			return figures, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	figures.memory, err = residentMemory(service.cmd.Process.Pid, peakMemory)
	return figures, err
}

// waitUntilCounted waits until the service has counted all entries.
func (l *waitingList) waitUntilCounted(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, l.b.cluster.URL(database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	begin := time.Now()
	for {
		var counted int
		if err := conn.QueryRow(ctx, `SELECT counted_to FROM waitlist_counted`).Scan(&counted); err != nil {
			return err
		}
		if counted >= l.entries {
			logProgress(fmt.Sprintf("counted %d entries in %s", counted, time.Since(begin).Round(time.Second)))
			_, err := conn.Exec(ctx, `VACUUM (ANALYZE) waitlist_search, waitlist_block, waitlist_stat`)
			return err
		}
		time.Sleep(time.Second)
	}
}

// get sends a request of the operator and returns the open response.
func (l *waitingList) request(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+l.service.address+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	if body != nil {
		r.Header.Set("Content-Type", "text/csv")
	}
	response, err := l.client.Do(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(response.Body)
		return nil, errors.Join(fmt.Errorf("%s %s returned status %d: %s", method, path, response.StatusCode, text), response.Body.Close())
	}
	return response, nil
}

// p95 returns the 95th percentile of the time that requests of newPath take.
func (l *waitingList) p95(ctx context.Context, newPath func() string) (time.Duration, error) {
	var times []time.Duration
	for range operatorRequests {
		begin := time.Now()
		response, err := l.request(ctx, http.MethodGet, newPath(), nil)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			return 0, err
		}
		times = append(times, time.Since(begin))
	}
	return percentile(times, 95), nil
}

func (l *waitingList) measurePages(ctx context.Context, f *listFigures) (err error) {
	paths := []string{
		"/operator/waiting-list", "/operator/waiting-list?order=id&limit=200", "/operator/waiting-list?status=waiting",
		"/operator/waiting-list?order=position", "/operator/waiting-list?status=invited", "/operator/waiting-list?verified=true",
	}
	f.page, err = l.p95(ctx, func() string { return paths[rand.IntN(len(paths))] })
	return err
}

func (l *waitingList) measureSearches(ctx context.Context, f *listFigures) (err error) {
	f.search, err = l.p95(ctx, func() string {
		n := 20_000_000 + rand.IntN(max(l.entries, 1))
		number := strconv.Itoa(n)
		queries := []string{"john", "kamau", "zawadi che", "07" + number[:6], "+254 7" + number, number[3:], "nobody has this name"}
		return "/operator/waiting-list?q=" + url.QueryEscape(queries[rand.IntN(len(queries))])
	})
	return err
}

func (l *waitingList) measurePositions(ctx context.Context, f *listFigures) (err error) {
	if l.entries == 0 {
		return nil
	}
	f.position, err = l.p95(ctx, func() string {
		return fmt.Sprintf("/operator/waiting-list/%d?expand=position", 1+rand.IntN(l.entries))
	})
	return err
}

func (l *waitingList) measureExport(ctx context.Context, f *listFigures) error {
	begin := time.Now()
	response, err := l.request(ctx, http.MethodGet, "/operator/waiting-list/export", nil)
	if err != nil {
		return err
	}
	lines := &lineCounter{}
	_, err = io.Copy(lines, response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if lines.n-1 != l.entries {
		return fmt.Errorf("exported %d entries, want %d", lines.n-1, l.entries)
	}
	f.exported = float64(l.entries) / time.Since(begin).Seconds()
	return nil
}

// measureImport imports numbers that are not on the list.
func (l *waitingList) measureImport(ctx context.Context, f *listFigures) error {
	var file bytes.Buffer
	file.WriteString("name,phone\n")
	for n := range importLines {
		fmt.Fprintf(&file, "Jane Doe,+2541%08d\n", 10_000_000+n)
	}
	begin := time.Now()
	response, err := l.request(ctx, http.MethodPost, "/operator/imports?consent_source=bench", &file)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	added, err := l.awaitImport(ctx, response.Header.Get("Location"))
	if err != nil {
		return err
	}
	if added != importLines {
		return fmt.Errorf("imported %d lines, want %d", added, importLines)
	}
	f.imported = importLines / time.Since(begin).Seconds()
	return nil
}

// awaitImport waits for the operation and returns how many entries it added.
func (l *waitingList) awaitImport(ctx context.Context, location string) (added int, err error) {
	for {
		response, err := l.request(ctx, http.MethodGet, location, nil)
		if err != nil {
			return 0, err
		}
		var body struct {
			Status string
			Data   struct{ Added int }
		}
		err = json.NewDecoder(response.Body).Decode(&body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			return 0, err
		}
		if body.Status == "success" {
			return body.Data.Added, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// lineCounter counts the lines that are written to it.
type lineCounter struct{ n int }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.n += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

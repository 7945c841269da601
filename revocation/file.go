package revocation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/claims"
)

const (
	pollInterval = 250 * time.Millisecond
	settleTime   = time.Second // for which a file is unchanged before a line that it lost is
	repeatTime   = time.Minute // after which trouble that lasts is logged again
	maxFileBytes = 16 << 20
)

// FileConfig is the configuration of a [File]. Path is required.
type FileConfig struct {
	_ [0]func() // keyed literals only

	// Path is the file. It may be replaced as a whole, which is best (write
	// another one and rename it), or written in place.
	Path string

	// Logger gets what changed, and trouble with the file and its age once a
	// minute. No line of it is logged. nil is no log.
	Logger *slog.Logger

	// MeterProvider gets the gauges sallyport.denylist.age, in seconds, and
	// sallyport.denylist.entries. nil is no metric.
	MeterProvider metric.MeterProvider
}

// File is a denylist that is read from a file, four times a second. A line is one
// of
//
//	ID                            the token with that identifier, of any issuer
//	sub ISSUER SUB BEFORE         tokens for SUB that ISSUER issued before a time
//	client ISSUER CLIENT BEFORE   tokens for CLIENT that ISSUER issued before a time
//	issuer ISSUER BEFORE          all tokens that ISSUER issued before a time
//	# and a space                 nothing: a comment
//
// with BEFORE in the form of RFC 3339. New lines count at once. Lines that are
// gone count once the file is whole and has been unchanged for a second, so that a
// file that is half written frees nobody. One that vanished, or is damaged (not
// UTF-8, a line that is none of these), frees nobody either: what was denied stays
// denied, and [File.Status] says so.
//
// It is safe for concurrent use. Close it when done: it goes on with what it has.
type File struct {
	path   string
	list   List
	logger *slog.Logger
	stop   context.CancelFunc
	done   chan struct{}
	unmeet func() error // ends the metric

	// What the goroutine knows of the file.
	text    []byte // as it was last read; nil: unknown
	since   time.Time
	entries []Entry // of the text, until they are all that counts
	damage  error
	logged  time.Time // when trouble was logged; zero: there was none

	mu     sync.Mutex
	whole  time.Time // when it was last read without trouble
	reason error     // why it is not whole now
}

// FileStatus is the state of a [File].
type FileStatus struct {
	// Entries is how many entries are in force.
	Entries int
	// Age is how long ago the file was last read and found whole.
	Age time.Duration
	// Err is what is wrong with the file now, nil for nothing.
	Err error
}

// OpenFile reads a file and follows it. It is an error if the file is missing or
// damaged at the start.
func OpenFile(cfg FileConfig) (*File, error) {
	if cfg.Path == "" {
		return nil, errors.New("revocation: FileConfig.Path is empty: name the file")
	}
	f := &File{path: cfg.Path, list: List{max: 2 * maxLines}, logger: cfg.Logger, done: make(chan struct{})}
	text, err := read(f.path)
	if err != nil {
		return nil, fmt.Errorf("revocation: %w", err)
	}
	entries, err := parseLines(text)
	if err != nil {
		return nil, fmt.Errorf("revocation: %s: %w", f.path, err)
	}
	if err := f.list.Replace(context.Background(), entries...); err != nil {
		return nil, err
	}
	f.text, f.whole = text, time.Now()
	if f.unmeet, err = f.measure(cfg.MeterProvider); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	go f.follow(ctx)
	return f, nil
}

// Revoked reports whether the file withdraws a token; see [List.Revoked].
func (f *File) Revoked(ctx context.Context, c *claims.Claims) (bool, error) {
	if f == nil {
		return false, errors.New("revocation: the file is nil")
	}
	return f.list.Revoked(ctx, c)
}

// Status returns the state of the file, for a status page or an alarm.
func (f *File) Status() FileStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return FileStatus{Entries: f.list.Len(), Age: time.Since(f.whole), Err: f.reason}
}

// Close ends the goroutine that follows the file. It may be called more than once.
func (f *File) Close() error {
	f.stop()
	<-f.done
	return f.unmeet()
}

func (f *File) follow(ctx context.Context) {
	defer close(f.done)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.look(ctx)
		}
	}
}

// look reads the file and has its lines count.
func (f *File) look(ctx context.Context) {
	text, err := read(f.path)
	if err != nil {
		f.text = nil // when it is back it must settle again
		f.report(ctx, err)
		return
	}
	now := time.Now()
	if f.text == nil || !bytes.Equal(text, f.text) {
		f.text, f.since = text, now
		f.entries, f.damage = parseLines(text)
		if f.entries == nil {
			f.entries = []Entry{}
		}
		// What is new counts now, what is gone later.
		if err := f.list.Deny(ctx, f.entries...); err != nil && f.damage == nil {
			f.report(ctx, err)
			return
		}
	}
	if f.damage != nil {
		f.report(ctx, f.damage)
		return
	}
	if f.entries != nil && now.Sub(f.since) >= settleTime {
		if err := f.list.Replace(ctx, f.entries...); err != nil {
			f.report(ctx, err)
			return
		}
		f.entries = nil
		f.log(ctx, slog.LevelInfo, "denylist changed", nil)
	}
	f.report(ctx, nil)
}

// report notes the state of the file, and logs trouble with it.
func (f *File) report(ctx context.Context, trouble error) {
	now := time.Now()
	f.mu.Lock()
	f.reason = trouble
	if trouble == nil {
		f.whole = now
	}
	f.mu.Unlock()
	switch {
	case trouble == nil && !f.logged.IsZero():
		f.logged = time.Time{}
		f.log(ctx, slog.LevelInfo, "denylist is whole again", nil)
	case trouble != nil && (f.logged.IsZero() || now.Sub(f.logged) >= repeatTime):
		f.logged = now
		f.log(ctx, slog.LevelWarn, "denylist cannot be read, what was denied stays denied", trouble)
	}
}

func (f *File) log(ctx context.Context, level slog.Level, message string, err error) {
	if f.logger == nil {
		return
	}
	s := f.Status()
	attrs := []slog.Attr{slog.String("file", f.path), slog.Int("entries", s.Entries), slog.Duration("age", s.Age)}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	f.logger.LogAttrs(ctx, level, message, attrs...)
}

// read returns the content of a regular file of at most maxFileBytes.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would make the reader wait
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.Open(path) //nolint:gosec // the path is the configuration's
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFileBytes)
	}
	return text, nil
}

//go:build !unix

package measure

import "time"

var started = time.Now()

// clock is the time of day where there is no other.
func clock() time.Duration { return time.Since(started) }

//go:build unix

package measure

import (
	"syscall"
	"time"
)

// Clock is the processor time that this process has used, on all processors.
// Unlike the time of day it does not run while a neighbour has one.
func Clock() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // no such clock: nothing can be measured
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

//go:build unix

package attack

import (
	"os/exec"
	"syscall"
	"time"
)

// ownGroup starts a command in a process group of its own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interrupt asks the group to end.
func interrupt(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// kill ends the group, and waits until nothing of it is left: who comes next may want its port. A process that nobody
// collects stays in the group though it has ended, so the wait has an end.
func kill(cmd *exec.Cmd) {
	for range 100 {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			return // there is none
		}
		time.Sleep(10 * time.Millisecond)
	}
}

package report

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
)

// Machine is where and with what was measured.
type Machine struct {
	CPU        string
	Processors int
	SHAFlag    string
	System     string
	Go         string
	Modules    []Module
}

// Module is a contestant's version.
type Module struct{ Path, Version string }

// ThisMachine describes the machine and the program that runs.
func ThisMachine() Machine {
	info, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the fields stay unknown
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m := Machine{
		CPU: field(string(info), "model name"), Processors: runtime.GOMAXPROCS(0), Go: runtime.Version(),
		System: strings.TrimSpace(runtime.GOOS + "/" + runtime.GOARCH + " " + string(kernel)),
	}
	switch flags := " " + field(string(info), "flags") + field(string(info), "Features") + " "; {
	case strings.Contains(flags, " sha_ni "), strings.Contains(flags, " sha2 "):
		m.SHAFlag = "yes"
	case strings.TrimSpace(flags) == "":
		m.SHAFlag = "unknown"
	default:
		m.SHAFlag = "no"
	}
	m.Modules = versions()
	return m
}

func field(info, name string) string {
	for line := range strings.Lines(info) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// versions are those that this program was built with.
func versions() []Module {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var list []Module
	for _, c := range contest.Peers {
		for _, dep := range build.Deps {
			if dep.Path == c.Module {
				list = append(list, Module{c.Module, dep.Version})
			}
		}
	}
	return list
}

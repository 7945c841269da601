package main

import (
	"bytes"
	"errors"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	info, ok := debug.ReadBuildInfo()
	require.True(t, ok)
	want := "sallyport " + builtFrom(info) + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	for _, name := range []string{"version", "-version", "--version"} {
		assert.Equal(t, answer{accepted, want, ""}, command(t, "", name))
	}
	assert.Equal(t, answer{wrongUse, "", "sallyport version: takes no arguments, and 1 are given\n"}, command(t, "", "version", "now"))

	var errs bytes.Buffer
	assert.Equal(t, refused, run(t.Context(), []string{"version"}, nil, full{}, &errs), "it was not printed")
	assert.Equal(t, "sallyport version: no space left\n", errs.String())
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestTheVersionIsThatOfTheBuild(t *testing.T) {
	t.Parallel()
	at := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	commit, changed := debug.BuildSetting{Key: "vcs.revision", Value: "0fa5cdd"}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3":                       at("v1.2.3"),
		"v1.2.3 0fa5cdd":               at("v1.2.3", debug.BuildSetting{Key: "GOOS", Value: "plan9"}, commit, debug.BuildSetting{Key: "vcs.modified", Value: "false"}),
		"(devel) 0fa5cdd with changes": at("", commit, changed),
	} {
		assert.Equal(t, want, builtFrom(info))
	}
	assert.Equal(t, "(devel)", builtFrom(nil), "a program that does not know")
}

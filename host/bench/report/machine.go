package main

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine is what all was measured on.
type machine struct {
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Node   string `json:"node"`
}

func thisMachine() machine {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // not there on other systems, where it stays empty
	return machine{
		Cores: runtime.NumCPU(), CPU: procLine("/proc/cpuinfo", "model name"), Memory: procLine("/proc/meminfo", "MemTotal"),
		Kernel: runtime.GOOS + " " + strings.TrimSpace(string(kernel)), Go: runtime.Version(), Node: said("node", "--version"),
	}
}

// procLine returns the value of the first line of a file in /proc that has a name.
func procLine(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// said is what a program prints; nothing when it cannot.
func said(name string, args ...string) string {
	out, _ := exec.Command(name, args...).Output()
	return strings.TrimSpace(string(out))
}

// describe names the sources that are measured. What this tool writes is none of them.
func describe() string {
	name := said("git", "describe", "--tags", "--always")
	if said("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/performance.*") != "" {
		name += "-dirty"
	}
	return name
}

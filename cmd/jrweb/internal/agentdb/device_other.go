//go:build !linux

package agentdb

import "syscall"

func setDevice(s *syscall.Stat_t, n uint64) { s.Dev = int32(n) }

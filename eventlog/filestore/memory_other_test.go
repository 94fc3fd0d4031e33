//go:build !linux

package filestore

import "testing"

func memoryDir(t testing.TB, _ string) string { return t.TempDir() }

// Package dbfile works on a database file that no log has open. It checks that a file is
// whole and consistent, rewrites it without free space, restores a backup, and upgrades a
// file of an older format.
package dbfile

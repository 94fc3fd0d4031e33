// Package dbfile works on a database at rest, which no log has open: it checks that a
// file is whole and agrees with itself, rewrites it without free space, makes one of a
// backup, and makes a file of this format of an older one.
package dbfile

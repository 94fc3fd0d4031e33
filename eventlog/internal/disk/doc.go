// Package disk has the operations of a file system that the log's durability rests on.
package disk

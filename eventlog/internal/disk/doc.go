// Package disk has the operations of a file system that the log's durability depends on.
package disk

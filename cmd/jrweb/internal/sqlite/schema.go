package sqlite

import (
	"regexp"
	"strings"
)

// columnsOf returns the names of the columns of CREATE TABLE.
func columnsOf(sql string) (names []string) {
	for _, part := range parted(sql) {
		word, quoted := firstWord(part)
		if !quoted && isConstraint[strings.ToUpper(word)] || word == "" {
			continue
		}
		names = append(names, word)
	}
	return names
}

// isConstraint has the words with which the constraints of a table begin, which come after
// its columns.
var isConstraint = map[string]bool{"CONSTRAINT": true, "PRIMARY": true, "UNIQUE": true, "CHECK": true, "FOREIGN": true}

// unlike are indexes whose order is not that of bytes, or that do not have all rows.
var unlike = regexp.MustCompile(`(?i)\b(?:DESC|COLLATE|WHERE)\b`)

// indexedBy returns the first column of CREATE INDEX, "" if the index is not one of a text in
// the order of bytes. Indexes that a constraint has made have no SQL.
func indexedBy(sql string) string {
	parts := parted(sql)
	if len(parts) == 0 || unlike.MatchString(sql) {
		return ""
	}
	word, _ := firstWord(parts[0])
	if strings.ContainsAny(parts[0], "(+|") {
		return ""
	}
	return word
}

// uniqueBy returns the first column of the first index that SQLite makes of a constraint of
// CREATE TABLE, "" if there is none: that of a key, or of what is UNIQUE. A key that is an
// INTEGER has no index, it is the id of the row.
func uniqueBy(sql string) string {
	for _, part := range parted(sql) {
		word, quoted := firstWord(part)
		rest := strings.ToUpper(part[strings.Index(part, word)+len(word):])
		isKey, isUnique := strings.Contains(rest, "PRIMARY KEY"), strings.Contains(rest, "UNIQUE")
		if !quoted && isConstraint[strings.ToUpper(word)] {
			isKey, isUnique = strings.Contains(strings.ToUpper(part), "PRIMARY KEY"), strings.Contains(strings.ToUpper(part), "UNIQUE")
			if columns := parted(part); (isKey || isUnique) && len(columns) > 0 {
				word, _ = firstWord(columns[0])
				return word
			}
			continue
		}
		if isUnique || isKey && !strings.HasPrefix(strings.TrimLeft(rest, "\"`'] "), "INTEGER") {
			return word
		}
	}
	return ""
}

// parted returns what stands in the first parentheses, at its commas. Comments are passed
// over.
func parted(sql string) (parts []string) {
	var part strings.Builder
	depth := 0
	for i := 0; i < len(sql); i++ {
		end := i + 1
		switch c := sql[i]; {
		case c == '\'' || c == '"' || c == '`':
			end = afterQuote(sql, i, c)
		case c == '[':
			end = afterQuote(sql, i, ']')
		case strings.HasPrefix(sql[i:], "--"):
			i = upTo(sql, i, "\n")
			part.WriteByte(' ')
			continue
		case strings.HasPrefix(sql[i:], "/*"):
			i = upTo(sql, i, "*/") + 1
			part.WriteByte(' ')
			continue
		case c == '(':
			if depth++; depth == 1 {
				part.Reset()
				continue
			}
		case c == ')':
			if depth--; depth == 0 {
				return append(parts, part.String())
			}
		case c == ',' && depth == 1:
			parts = append(parts, part.String())
			part.Reset()
			continue
		}
		part.WriteString(sql[i:end])
		i = end - 1
	}
	return nil
}

// afterQuote returns where a quote ends that begins at i; two quotes in it are one.
func afterQuote(sql string, i int, quote byte) int {
	for i++; i < len(sql); i++ {
		if sql[i] != quote {
			continue
		}
		if i+1 == len(sql) || sql[i+1] != quote || quote == ']' {
			return i + 1
		}
		i++
	}
	return len(sql)
}

// upTo returns where a comment ends.
func upTo(sql string, i int, end string) int {
	if n := strings.Index(sql[i:], end); n >= 0 {
		return i + n
	}
	return len(sql)
}

// firstWord returns the name with which a part begins.
func firstWord(part string) (word string, quoted bool) {
	part = strings.TrimSpace(part)
	if part == "" {
		return "", false
	}
	if i := strings.IndexByte("\"`'[", part[0]); i >= 0 {
		quote := "\"`']"[i]
		end := afterQuote(part, 0, quote)
		inner := strings.TrimSuffix(part[1:end], string(quote))
		return strings.ReplaceAll(inner, string(quote)+string(quote), string(quote)), true
	}
	if end := strings.IndexAny(part, " \t\r\n"); end >= 0 {
		part = part[:end]
	}
	return part, false
}

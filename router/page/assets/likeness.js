// Which tools are alike, whatever an agent calls them, and how to say that several of
// them were used.

import { plural } from "./format.js";

const kinds = {
  read: "read readfile view viewfile openfile cat notebookread getfilecontents",
  search: "grep grepsearch searchfilecontent glob find search searchfiles ripgrep rg codebasesearch finder filesearch",
  list: "ls list listdirectory listdir listfiles",
  command: "bash shell localshell exec execcommand executecommand runshellcommand runcommand runterminalcmd commandexecution executebash execute terminal developershell",
  edit: "edit multiedit editfile write writefile writetofile createfile create replace replaceinfile strreplace applypatch filechange notebookedit searchreplace",
  fetch: "webfetch fetch readurl readwebpage",
  web: "websearch googlewebsearch",
};

const kindOf = new Map(Object.entries(kinds).flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind])));

const plain = (tool) => tool.toLowerCase().replace(/[^a-z]/g, "");

// likeness is the same for tools that are alike: those of a server (MCP) are like
// themselves alone.
export function likeness(tool) {
  return tool.startsWith("mcp__") ? tool : kindOf.get(plain(tool)) ?? tool;
}

// wordsOf says what n calls of like tools did, with the different things they were about.
export function wordsOf(tool, name, n, things) {
  const times = (noun) => things.size === n ? plural(n, noun) : things.size === 0 ? `${noun}s ${n} times` : `${plural(things.size, noun)} in ${n} calls`;
  switch (likeness(tool)) {
    case "read": return `Read ${times("file")}`;
    case "search": return `Searched ${n} times`;
    case "list": return `Listed ${times("folder")}`;
    case "command": return `Ran ${plural(n, "command")}`;
    case "edit": return `Made ${n} edits`;
    case "fetch": return `Fetched ${times("page")}`;
    case "web": return `Searched the web ${n} times`;
  }
  return `${name}, ${n} times`;
}

// The hub as a worker that all tabs share.

import { Hub } from "./hub.js";

const hub = new Hub();

addEventListener("connect", ({ ports: [port] }) => hub.add(port));

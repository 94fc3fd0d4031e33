// What an agent does, in the words that all pages use. page/wall.go has the same.

// doingWhat says what the agent does, and which subagent does it.
export const doingWhat = ({ who, what }) => who === "" ? what : `${who}: ${what}`;

// planWords says how much of its plan is done.
export const planWords = ({ plan }) => plan === "" ? "" : `${plan} done`;

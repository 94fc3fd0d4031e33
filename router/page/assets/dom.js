// Builds elements. Children are nodes or text; text stays text, never markup.

export function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

// svgEl is an element of a picture.
export function svgEl(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// setText writes only when something changes, so that nothing flickers and a
// reader's selection stays.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const quietMs = 1000;

// announcer returns a function that speaks through a live region: the last of what
// it was told within a second, so that bursts do not chatter.
export function announcer(region) {
  let timer;
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => setText(region, text), quietMs);
  };
}

// readingTop is where the text begins that nothing lies over, in the view.
export function readingTop() {
  const bar = document.getElementById("bar");
  const tools = document.querySelector(".timeline-tools");
  const fixed = (place) => place !== null && getComputedStyle(place).position !== "static";
  if (fixed(tools)) return Math.max(tools.getBoundingClientRect().bottom, 0);
  return fixed(bar) ? bar.getBoundingClientRect().bottom : 0;
}

// measureTop tells the style sheet how much lies over the text.
export function measureTop() {
  const root = document.documentElement.style;
  const bar = document.getElementById("bar"), tools = document.querySelector(".timeline-tools");
  const sizes = new ResizeObserver(() => {
    root.setProperty("--bar", `${bar.offsetHeight}px`);
    root.setProperty("--top", `${bar.offsetHeight + tools.offsetHeight + 8}px`);
  });
  for (const place of [bar, tools]) sizes.observe(place); // a search makes the tools higher
}

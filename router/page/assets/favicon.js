// The page's icon, in the colour of how it goes.

const colours = {
  open: "#4b67e8", none: "#8a92a0", succeeded: "#1c8a54", failed: "#d0342c", stuck: "#d68a00",
  canceled: "#b07300", interrupted: "#b07300",
};

export class Favicon {
  #link = document.querySelector('link[rel="icon"]');
  #shown = "";

  show(state) {
    const colour = colours[state] ?? colours.none;
    if (colour === this.#shown) return;
    this.#shown = colour;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${colour}"/></svg>`;
    this.#link.type = "image/svg+xml";
    this.#link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }
}

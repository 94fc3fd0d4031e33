// When more comes than anybody reads row by row: then it is brought and drawn together,
// about once a second.

const fast = 20; // rows a second
const few = 4; // that may come in one go

export const farApartMs = 1000;

// isBusy tells it of so many rows in so long.
export function isBusy(rows, ms) {
  return rows > few && rows / ms * 1000 > fast;
}

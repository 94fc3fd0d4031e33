// The list by keyboard: j and k go from task to task, Enter opens, / searches.

export function listKeys(body, filter) {
  let current = null;
  const step = (by) => {
    const rows = [...body.rows];
    if (rows.length === 0) return;
    const at = rows.indexOf(current);
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
    current = next;
    next.querySelector(".task a").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest", behavior: "instant" });
  };
  body.addEventListener("focusin", ({ target }) => { current = target.closest("tr"); });
  addEventListener("keydown", (key) => {
    if (key.key === "Escape" && document.activeElement === filter.box) {
      filter.clear();
      filter.box.blur();
      return;
    }
    if (key.ctrlKey || key.metaKey || key.altKey || key.isComposing || key.target.closest?.("input, textarea, select, dialog")) return;
    const does = { j: () => step(1), k: () => step(-1), "/": () => { filter.box.focus(); filter.box.select(); } }[key.key];
    if (does === undefined) return;
    does();
    key.preventDefault();
  });
}

// What ipywidgets cannot say: which part announces changes, and the names of groups and regions.
(() => {
  const NAMED = {
    "dx-levers": ["group", "Levers"],
    "dx-councils": ["region", "Table of councils"],
  };
  const name = (root) => {
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", "Dispersal explorer");
    for (const [kind, [role, label]] of Object.entries(NAMED)) {
      for (const part of root.querySelectorAll("." + kind)) {
        part.setAttribute("role", role);
        part.setAttribute("aria-label", label);
      }
    }
    for (const part of root.querySelectorAll(".dx-status .widget-html-content")) {
      part.setAttribute("role", "status");
      part.setAttribute("aria-live", "polite");
      part.setAttribute("aria-atomic", "true");
    }
  };
  const page = document.querySelector("body[data-voila] #rendered_cells");
  if (page) page.setAttribute("role", "main");
  const look = () => document.querySelectorAll(".dispersal-explorer").forEach(name);
  if (!window.dispersalExplorer) {
    window.dispersalExplorer = new MutationObserver(look);
    window.dispersalExplorer.observe(document.body, { childList: true, subtree: true });
  }
  look();
})();

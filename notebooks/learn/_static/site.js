// A block that scrolls sideways must be reachable with the keyboard.
function reachable() {
  for (const block of document.querySelectorAll("pre, .output, .table-wrapper, .picture")) {
    if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
  }
}
addEventListener("load", reachable);
addEventListener("resize", reachable);

// Tooltips at once, and for fingers, too: browsers show an SVG's <title> late, or never. Without
// this script the titles are still there.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  let shown = null;
  const titled = (node) => {
    for (; node && node.ownerSVGElement; node = node.parentNode) {
      const title = [...node.children].find((child) => child.tagName === "title");
      if (title) return [node, title];
    }
    return null;
  };
  // The title goes away for as long as the tooltip is there, or both would be seen.
  const hide = () => {
    if (shown) shown.node.prepend(shown.title);
    shown = null;
    tip.hidden = true;
  };
  const place = (event) => {
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const below = event.clientY + 18 + tip.offsetHeight < window.innerHeight;
    tip.style.left = Math.max(8, Math.min(event.clientX + 12, room)) + "px";
    tip.style.top = event.clientY + (below ? 18 : -12 - tip.offsetHeight) + "px";
  };
  const show = (event) => {
    if (shown && shown.node.contains(event.target)) return place(event);
    hide();
    const found = titled(event.target);
    if (!found) return;
    const [node, title] = found;
    tip.textContent = title.textContent;
    title.remove();
    shown = { node, title };
    tip.hidden = false;
    place(event);
  };
  document.addEventListener("pointerover", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("pointermove", (event) => shown && place(event));
  document.addEventListener("pointerleave", hide);
  window.addEventListener("beforeprint", hide);
})();

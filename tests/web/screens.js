// What tests ask of a page that is open: axe's findings, and where the Tab key comes.
window.optriaLook = {
  async violations(rules) {
    // What stays in sight while the page scrolls covers a different part of it a moment later.
    const bars = [...document.querySelectorAll(".rail, .header")].filter((node) => getComputedStyle(node).position === "sticky");
    for (const bar of bars) bar.style.position = "static";
    const result = await axe.run(document, { runOnly: rules });
    for (const bar of bars) bar.style.position = "";
    const where = (node) => `${node.target.join(" ")} ${node.failureSummary}`;
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(where).join(" | ")}`);
  },

  // Numbers every interactive element in sight and gives how many there are.
  mark() {
    const selector = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [role=button], [role=link], [role=slider]";
    const isShown = (node) => {
      const box = node.getBoundingClientRect();
      return node.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true }) && box.width > 0 && box.height > 0;
    };
    const isOff = (node) => node.disabled || node.closest("[inert]") || node.getAttribute("tabindex") === "-1";
    const stops = [...document.querySelectorAll(selector)].filter((node) => isShown(node) && !isOff(node));
    stops.forEach((node, index) => { node.dataset.stop = String(index); });
    document.activeElement?.blur?.();
    return stops.length;
  },

  stop() {
    const here = document.activeElement;
    return here?.dataset?.stop ?? (here === document.body ? "body" : "");
  },

  // Of a group of radio buttons Tab comes to one; the arrow keys go on from there.
  missed(reached) {
    const seen = new Set(reached);
    const stops = [...document.querySelectorAll("[data-stop]")];
    const groups = new Set(stops.filter((node) => node.type === "radio" && seen.has(node.dataset.stop)).map((node) => node.name));
    return stops
      .filter((node) => !seen.has(node.dataset.stop) && !(node.type === "radio" && groups.has(node.name)))
      .map((node) => node.outerHTML.slice(0, 160));
  },
};

// Runs in a copy of a page, whose frame's name says which page it is, and reports to the document around it.
// Texts of the gateway, in <bdi>, and code of the documentation may break anywhere; other words must not.
function cutWords() {
  const cut = [];
  for (const cell of document.querySelectorAll("th, td, dt, dd")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest("bdi, .prose code")) continue;
      for (const word of node.data.matchAll(/\S+/g)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const lines = new Set(Array.from(range.getClientRects(), rect => Math.round(rect.top)));
        // A browser may break after a hyphen or a slash.
        if (lines.size > 1 && !/[-\/]/.test(word[0])) cut.push(word[0]);
      }
    }
  }
  return cut;
}

function wide() {
  const limit = document.documentElement.clientWidth + 1;
  const overflow = [];
  if (document.documentElement.scrollWidth > limit) overflow.push("page");
  for (const element of document.querySelectorAll("main *")) {
    const box = element.getBoundingClientRect();
    // What is outside on the left is for screen readers.
    if (box.right > limit && !element.closest("svg, thead, pre, .scroll")) overflow.push(element.outerHTML.slice(0, 100));
  }
  return overflow;
}

axe.run(document, { resultTypes: ["violations"] }).then(result => {
  const first = document.querySelector(".problem, tbody th[scope=row]");
  const report = parent.document.createElement("report");
  report.textContent = JSON.stringify({
    name: window.name,
    violations: result.violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(node => node.html)]),
    passes: result.passes.length,
    isDark: matchMedia("(prefers-color-scheme: dark)").matches,
    overflow: wide(),
    cutWords: cutWords(),
    accountLine: Math.max(0, ...Array.from(document.querySelectorAll(".accounts li"), line => line.offsetHeight)),
    firstProblem: first && first.getBoundingClientRect().bottom + scrollY,
  });
  parent.document.body.append(report);
});

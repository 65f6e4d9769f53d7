// The page's only script: filters the failures, opens the one that a link names, copies commands. All else is HTML.
"use strict";
(() => {
  const form = document.getElementById("filters");
  const cards = [...document.querySelectorAll("details.failure")];
  const names = ["op", "rule", "backend", "outcome"];
  const fields = Object.fromEntries([...names, "q"].map((name) => [name, document.getElementById(name)]));
  const texts = new Map();

  function textOf(card) {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  }

  function takes(card, wanted, words) {
    return (
      names.every((name) => {
        if (!wanted[name]) return true;
        if (name === "rule") return (card.dataset.rules || "").split(" ").includes(wanted.rule);
        return card.dataset[name] === wanted[name];
      }) && words.every((word) => textOf(card).includes(word))
    );
  }

  function filter() {
    const wanted = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
    const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      card.hidden = !takes(card, wanted, words);
      shown += card.hidden ? 0 : 1;
    }
    for (const row of document.querySelectorAll("tr[data-rule]")) {
      row.hidden = Boolean(wanted.rule) && row.dataset.rule !== wanted.rule;
    }
    for (const stage of document.querySelectorAll("tbody.stage")) {
      stage.hidden = !stage.querySelector("tr[data-rule]:not([hidden])");
    }
    document.getElementById("shown").textContent =
      shown === cards.length ? `${shown} shown` : `${shown} of ${cards.length} shown`;
    return wanted;
  }

  function remember(wanted) {
    const query = Object.entries(wanted).filter(([, value]) => value)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
    history.replaceState(null, "", query ? `#${query}` : "#failures");
  }

  function set(wanted) {
    for (const [name, field] of Object.entries(fields)) field.value = wanted[name] || "";
    filter();
  }

  function show(card) {
    if (card.hidden) set({});
    card.open = true;
    card.scrollIntoView({ block: "start" });
    card.querySelector("summary").focus({ preventScroll: true });
  }

  // A link is to a failure (#failure/backend/id), to a choice of failures (#op=simulate&backend=rust), or to a section.
  function follow() {
    let target = location.hash.slice(1);
    if (target.startsWith("failure/")) {
      try { target = decodeURIComponent(target); } catch { return; }
      const card = document.getElementById(target);
      if (card) show(card);
    } else if (target.includes("=")) {
      set(Object.fromEntries(new URLSearchParams(target)));
      document.getElementById("failures").scrollIntoView();
    }
  }

  function step(by) {
    const shown = cards.filter((card) => !card.hidden);
    const at = shown.findIndex((card) => card.contains(document.activeElement));
    const next = shown[at < 0 ? (by > 0 ? 0 : shown.length - 1) : at + by];
    if (!next) return;
    next.querySelector("summary").focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function typed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const writing = event.target.closest("input, select, textarea");
    if (event.key === "Escape") {
      set({});
      remember({});
      if (writing) writing.blur();
    } else if (!writing && event.key === "/") {
      event.preventDefault();
      fields.q.focus();
    } else if (!writing && (event.key === "j" || event.key === "k")) {
      step(event.key === "j" ? 1 : -1);
    }
  }

  // A plot that is wider than its place opens with the divergence in the middle.
  function centre(plot) {
    const mark = plot.querySelector("line.mark");
    if (mark) plot.scrollLeft = Number(mark.getAttribute("x1")) - plot.clientWidth / 2;
  }

  async function copy(button) {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      // Without leave to use the clipboard the command is at least selected.
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  document.addEventListener("toggle", (event) => {
    if (event.target.open) event.target.querySelectorAll(".plot").forEach(centre);
  }, true);
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  if (!form) return;
  form.hidden = false;
  document.querySelector(".status").hidden = false;
  form.addEventListener("input", () => remember(filter()));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("clear").addEventListener("click", () => { set({}); remember({}); });
  document.getElementById("open").addEventListener("click", (event) => {
    const shown = cards.filter((card) => !card.hidden);
    const open = !shown.every((card) => card.open);
    for (const card of shown) card.open = open;
    event.target.textContent = open ? "Close all" : "Open all";
  });
  document.addEventListener("keydown", typed);
  addEventListener("hashchange", follow);
  filter();
  follow();
})();

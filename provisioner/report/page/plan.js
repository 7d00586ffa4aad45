"use strict";
// Search, filter and fold. Without a filter, unchanged definitions are hidden; a search includes them.
(() => {
  const $ = (selector) => document.querySelector(selector);
  const changes = [...document.querySelectorAll("main > details")];
  const texts = changes.map((change) => change.textContent.toLowerCase());
  const buttons = [...document.querySelectorAll(".filters button")];
  const search = $("#search");

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const actions = new Set(
      buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.action));
    let number = 0;
    changes.forEach((change, index) => {
      const action = change.dataset.action;
      const matches = actions.size ? actions.has(action) : words.length > 0 || action !== "no-op";
      change.hidden = !(matches && words.every((word) => texts[index].includes(word)));
      number += change.hidden ? 0 : 1;
    });
    $("#shown").textContent = `${number.toLocaleString("en")} of ${changes.length.toLocaleString("en")} shown`;
    $("#nothing").hidden = number > 0;
  };

  const fold = (open) => () => changes.forEach((change) => {
    if (!change.hidden) change.open = open;
  });

  buttons.forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    show();
  }));
  search.addEventListener("input", show);
  $("#unfold").addEventListener("click", fold(true));
  $("#fold").addEventListener("click", fold(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      show();
    }
  });
  $(".bar").hidden = false;
  show();
})();

// Questions for a province and city: the one long list becomes two, the second showing the cities of the first. What is sent is the same.

for (const list of document.querySelectorAll("select[data-region]")) {
  const groups = [...list.querySelectorAll("optgroup")];
  const cities = groups.map((group) => [...group.children]);
  const nothing = list.options[0];
  const province = document.createElement("select");
  province.setAttribute("aria-label", list.dataset.region);
  province.append(nothing.cloneNode(true), ...groups.map((group, at) => new Option(group.label, String(at))));
  const kept = list.value;
  province.value = String(cities.findIndex((all) => all.some((option) => option.value === kept)));
  if (province.selectedIndex < 0) province.selectedIndex = 0;

  /** Shows the cities of the chosen province; its own entry stands for all of it. */
  const narrow = (value) => {
    list.replaceChildren(...(province.value === "" ? [nothing] : cities[Number(province.value)]));
    list.value = value ?? list.options[0].value;
  };
  province.addEventListener("change", () => {
    narrow();
    list.dispatchEvent(new Event("change", { bubbles: true }));
  });
  list.setAttribute("aria-label", `${list.closest(".field")?.querySelector("label")?.textContent ?? ""} ${list.dataset.city}`.trim());
  const both = document.createElement("div");
  both.className = "pair";
  list.replaceWith(both);
  both.append(province, list);
  narrow(kept || undefined);
}

// Coordinates of an event from the phone that stands there: a button beside the fields, where the browser says where it is.

for (const root of document.querySelectorAll("[data-place]")) {
  if (!("geolocation" in navigator)) continue;
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: root.dataset.label });
  const told = Object.assign(document.createElement("p"), { className: "help" });
  told.setAttribute("role", "status");
  const put = (name, value) => (root.querySelector(`[name=${name}]`).value = value);
  button.addEventListener("click", () => {
    button.disabled = true;
    const done = (words) => {
      button.disabled = false;
      told.textContent = words;
    };
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        put("latitude", coords.latitude.toFixed(6));
        put("longitude", coords.longitude.toFixed(6));
        put("datum", "wgs84");
        done(`± ${Math.round(coords.accuracy)} m`);
      },
      () => done(root.dataset.failed),
      { enableHighAccuracy: true, timeout: 15_000 },
    );
  });
  const row = Object.assign(document.createElement("div"), { className: "row" });
  row.append(button, told);
  root.after(row);
}

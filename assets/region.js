// The place of an event: once a province is given, only its cities are suggested; a city that is chosen brings its province. The box does the
// same when the form is saved. Districts are suggested that were typed before in the same city.

const province = document.querySelector("input[list=provinces]");
const city = document.querySelector("input[list=cities]");
const cities = document.querySelector("#cities");

if (province && city && cities) {
  const all = [...cities.options];
  const known = new Set(all.map((option) => option.dataset.province));
  const narrow = () => {
    const within = known.has(province.value.trim());
    cities.replaceChildren(...all.filter((option) => !within || option.dataset.province === province.value.trim()));
  };
  province.addEventListener("input", narrow);
  city.addEventListener("change", () => {
    const chosen = all.find((option) => option.value === city.value.trim());
    if (!chosen || province.value.trim()) return;
    province.value = chosen.dataset.province;
    narrow();
  });
  narrow();
}

const districts = document.querySelector("#districts");

if (city && districts) {
  const all = [...districts.options];
  const here = () => districts.replaceChildren(...all.filter((option) => !city.value.trim() || option.dataset.city === city.value.trim()));
  for (const kind of ["input", "change"]) city.addEventListener(kind, here);
  here();
}

// Registration forms: a question that waits for another one's answer is hidden, and not sent, until it is answered so. Without this module
// all questions are shown, and the box leaves out those that were not asked.

/** What is chosen or ticked in the inputs of that name. */
function given(form, name) {
  const all = [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)].filter((input) => !input.disabled);
  return all.flatMap((input) => {
    if (input.type === "checkbox") return input.checked ? [input.value] : [];
    return input.value ? [input.value] : [];
  });
}

function settle(form) {
  for (const part of form.querySelectorAll("[data-waits]")) {
    const wanted = part.dataset.answers ? part.dataset.answers.split("\n") : ["1", "yes"];
    const asked = given(form, part.dataset.waits).some((answer) => wanted.includes(answer));
    part.hidden = !asked;
    for (const input of part.querySelectorAll("input, select, textarea")) input.disabled = !asked;
  }
}

for (const form of document.querySelectorAll("form")) {
  if (!form.querySelector("[data-waits]")) continue;
  form.addEventListener("change", () => settle(form));
  settle(form);
}

// The editor of texts with pictures. The field it stands in works without it; with it, what was changed is sent as a document, which the box
// makes clean once more. Nothing is changed, and Markdown stays Markdown, until somebody writes in it.

import { clean, documentOf, parsed, space, textOf } from "./rich_clean.js";

const OPENS = "<!doctype html>";
/** Buttons in their order: name, command, its argument. */
const BUTTONS = [
  ["p", "formatBlock", "p"], ["h2", "formatBlock", "h2"], ["h3", "formatBlock", "h3"], null,
  ["bold", "bold"], ["italic", "italic"], ["underline", "underline"], null,
  ["ul", "insertUnorderedList"], ["ol", "insertOrderedList"], ["quote", "formatBlock", "blockquote"], null,
  ["link"], ["picture"], ["table"], null, ["clear", "removeFormat"], ["undo", "undo"], ["redo", "redo"], null,
  ["row_add"], ["row_remove"], ["column_add"], ["column_remove"],
];
const STATES = { bold: "bold", italic: "italic", underline: "underline", ul: "insertUnorderedList", ol: "insertOrderedList" };

const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

class Editor {
  constructor(root) {
    this.root = root;
    this.words = JSON.parse(root.dataset.rich);
    this.field = root.querySelector("textarea");
    this.max = Number(root.dataset.max);
    this.range = null;
    this.build();
    this.listen();
  }

  build() {
    const label = this.root.querySelector("label");
    label.id = `l-${this.field.name}`;
    label.removeAttribute("for");
    const start = this.root.querySelector("[data-rich-start]");
    this.text = make("div", { className: "prose rich-text", contentEditable: "true", id: `r-${this.field.name}` });
    this.text.append(...(start.firstElementChild?.childNodes ?? []));
    start.remove();
    if (!this.text.firstElementChild) this.text.append(make("p", {}, make("br")));
    if ("markdown" in this.root.dataset) document.getElementById(`h-${this.field.name}`)?.remove();
    const help = make("p", { className: "help", id: `rh-${this.field.name}`, textContent: this.words.help });
    const described = [`h-${this.field.name}`, `e-${this.field.name}`].filter((id) => document.getElementById(id)).concat(help.id);
    const said = { role: "textbox", "aria-multiline": "true", "aria-labelledby": label.id, "aria-describedby": described.join(" ") };
    for (const [name, value] of Object.entries(said)) this.text.setAttribute(name, value);
    if (this.field.getAttribute("aria-invalid")) this.text.setAttribute("aria-invalid", "true");
    this.counter = make("p", { className: "counter" });
    this.status = make("p", { className: "help", role: "status" });
    this.bar = this.toolbar();
    this.panel = make("div", { className: "rich-panel", hidden: true });
    const frame = make("div", { className: "rich" }, this.bar, this.panel, this.text);
    this.field.hidden = true;
    for (const file of document.querySelectorAll(`[data-rich-file="${this.field.name}"]`)) file.hidden = true;
    this.field.after(frame, this.counter, help, this.status);
    label.addEventListener("click", () => this.text.focus());
    document.execCommand("defaultParagraphSeparator", false, "p");
    this.tell();
  }

  toolbar() {
    const bar = make("div", { className: "rich-bar" });
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", this.words.toolbar);
    bar.setAttribute("aria-controls", this.text.id);
    this.buttons = new Map();
    let group = make("span", { className: "rich-group" });
    for (const entry of [...BUTTONS, null]) {
      if (!entry) {
        bar.append(group);
        group = make("span", { className: "rich-group" });
        continue;
      }
      const [name, command, argument] = entry;
      const button = make("button", { type: "button", className: `rich-${name}`, textContent: this.words[name], tabIndex: -1 });
      button.dataset.name = name;
      if (name in STATES) button.setAttribute("aria-pressed", "false");
      // The text keeps its selection while a button is pressed with the mouse.
      button.addEventListener("mousedown", (event) => event.preventDefault());
      button.addEventListener("click", () => (command ? this.run(command, argument) : this[name]()));
      this.buttons.set(name, button);
      group.append(button);
    }
    this.buttons.get("p").tabIndex = 0;
    this.tableGroup = this.buttons.get("row_add").parentElement;
    this.tableGroup.hidden = true;
    bar.addEventListener("keydown", (event) => this.walk(event));
    return bar;
  }

  /** One stop for the Tab key; arrows lead from button to button. */
  walk(event) {
    const open = [...this.buttons.values()].filter((button) => !button.parentElement.hidden);
    const at = open.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: open.length - 1 }[event.key];
    if (event.key === "Escape") this.text.focus();
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = open[(to + open.length) % open.length];
    for (const button of this.buttons.values()) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }

  listen() {
    this.text.addEventListener("input", () => this.changed());
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.text.addEventListener("paste", (event) => this.take(event, event.clipboardData));
    this.text.addEventListener("drop", (event) => this.take(event, event.dataTransfer));
    document.addEventListener("selectionchange", () => this.follow());
  }

  key(event) {
    const control = event.ctrlKey || event.metaKey;
    if (event.altKey && event.key === "F10") {
      event.preventDefault();
      [...this.buttons.values()].find((button) => button.tabIndex === 0).focus();
    } else if (control && event.key.toLowerCase() === "k") {
      event.preventDefault();
      this.link();
    }
  }

  /** Remembers where the text is being written, and shows what holds there. */
  follow() {
    if (!this.remember()) return;
    for (const [name, command] of Object.entries(STATES)) {
      this.buttons.get(name).setAttribute("aria-pressed", String(document.queryCommandState(command)));
    }
    this.tableGroup.hidden = !this.cell();
  }

  /** Whether the cursor is in the text; where it is then, is remembered. The browser tells of its moves only later. */
  remember() {
    const selection = getSelection();
    if (!selection.rangeCount || !this.text.contains(selection.anchorNode)) return false;
    this.range = selection.getRangeAt(0).cloneRange();
    return true;
  }

  back() {
    if (this.remember() && document.activeElement === this.text) return;
    this.text.focus();
    if (!this.range) return;
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(this.range);
  }

  run(command, argument) {
    this.back();
    // A command that does nothing fires no event; what does something is written down by its own.
    document.execCommand("styleWithCSS", false, false);
    document.execCommand(command, false, argument);
  }

  insert(html) {
    this.run("insertHTML", html);
  }

  changed() {
    this.field.value = OPENS + documentOf(this.text);
    this.tell();
  }

  tell() {
    const length = [...textOf(this.text)].length;
    this.counter.textContent = `${length} / ${this.max}`;
    this.counter.classList.toggle("error", length > this.max);
  }

  /** What is pasted or dropped: pictures are uploaded, of pages only what a document may hold is taken. */
  take(event, data) {
    const pictures = [...data.files].filter((file) => file.type.startsWith("image/"));
    const html = data.getData("text/html");
    if (pictures.length && !html.includes("<table")) {
      event.preventDefault();
      this.upload(pictures.slice(0, 10), "");
    } else if (html && html.length < 2_000_000) {
      event.preventDefault();
      const box = make("div");
      box.append(clean(parsed(html)));
      if (box.querySelector("table")) this.place(box.innerHTML);
      else this.insert(box.innerHTML);
    }
  }

  async upload(files, alt) {
    for (const file of files) {
      this.status.textContent = this.words.sending;
      const body = new FormData();
      body.append("file", file);
      try {
        const answer = await fetch(this.root.dataset.at, { method: "POST", body });
        const said = await answer.json();
        if (!answer.ok) throw new Error(said.error);
        const shown = make("img", { alt });
        shown.setAttribute("src", space + said.src);
        this.insert(shown.outerHTML);
        this.status.textContent = "";
      } catch (error) {
        this.status.textContent = error instanceof SyntaxError || !error.message ? this.words.failed : error.message;
      }
    }
  }

  /** A row of fields above the text; `use` is called when it is filled. */
  ask(fields, use, more = []) {
    const close = () => {
      this.panel.hidden = true;
      this.back();
    };
    const done = () => {
      this.panel.hidden = true;
      use();
    };
    const button = (name, act) => {
      const made = make("button", { type: "button", textContent: this.words[name] });
      made.addEventListener("click", act);
      return made;
    };
    const labelled = fields.map(([name, input]) => make("label", { className: "field" }, make("span", { textContent: this.words[name] }), input));
    const others = more.map(([name, act]) => button(name, () => { close(); act(); }));
    this.panel.replaceChildren(...labelled, button("set", done), ...others, button("cancel", close));
    this.panel.hidden = false;
    this.panel.onkeydown = (event) => {
      if (event.key === "Escape") close();
      if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
      event.preventDefault();
      done();
    };
    fields[0][1].focus();
  }

  link() {
    this.remember();
    const around = this.range?.commonAncestorContainer;
    const old = (around?.nodeType === 1 ? around : around?.parentElement)?.closest("a");
    const input = make("input", { type: "text", value: old?.getAttribute("href") ?? "https://", maxLength: 2000, inputMode: "url" });
    const use = () => {
      const to = input.value.trim();
      const address = /^(https?:\/\/|mailto:|tel:|\/(?![/\\]))/i.test(to) ? to : `https://${to}`;
      this.back();
      if (old) return old.setAttribute("href", address), this.changed();
      if (!this.range || this.range.collapsed) {
        const made = make("a", { textContent: to });
        made.setAttribute("href", address);
        return this.insert(made.outerHTML);
      }
      this.run("createLink", address);
    };
    this.ask([["address", input]], use, old ? [["unlink", () => { old.replaceWith(...old.childNodes); this.changed(); }]] : []);
  }

  picture() {
    const file = make("input", { type: "file", accept: "image/jpeg,image/png,image/webp" });
    const alt = make("input", { type: "text", maxLength: 100 });
    this.ask([["file", file], ["alt", alt]], () => (file.files.length ? this.upload([...file.files], alt.value.trim()) : this.back()));
  }

  table() {
    const heads = [1, 2, 3].map((number) => `<th>${this.words.column} ${number}</th>`).join("");
    const row = `<tr>${"<td><br></td>".repeat(3)}</tr>`;
    this.place(`<table><tbody><tr>${heads}</tr>${row}${row}</tbody></table><p><br></p>`);
  }

  /** Puts blocks behind the one that is being written, or in place of it when it is empty. Browsers tear tables apart when they put them in
   * themselves, so they are not asked to; the price is that this is not undone by one key. */
  place(html) {
    this.back();
    const made = document.createRange().createContextualFragment(html);
    const first = made.firstElementChild;
    const holds = (node) => node === this.text || (node.tagName === "P" && node.querySelector("p, ul, ol, table, blockquote"));
    let at = this.range && this.text.contains(this.range.startContainer) ? this.range.startContainer : this.text.lastChild;
    while (at && at !== this.text && !holds(at.parentNode)) at = at.parentNode;
    if (!at || at === this.text) this.text.append(made);
    else if (at.textContent.trim() || at.querySelector?.("img, td, th")) at.after(made);
    else at.replaceWith(made);
    getSelection().collapse(first.querySelector("th, td") ?? first, 0);
    this.changed();
  }

  cell() {
    this.remember();
    const at = this.range?.startContainer;
    const cell = (at?.nodeType === 1 ? at : at?.parentElement)?.closest("td, th");
    return cell && this.text.contains(cell) ? cell : null;
  }

  row_add() {
    const row = this.cell()?.parentElement;
    if (!row) return;
    const made = make("tr", {}, ...[...row.cells].map(() => make("td", {}, make("br"))));
    row.after(made);
    this.changed();
  }

  row_remove() {
    const row = this.cell()?.parentElement;
    const table = row?.closest("table");
    row?.remove();
    if (table && !table.rows.length) table.remove();
    this.settle();
  }

  column_add() {
    const cell = this.cell();
    if (!cell || cell.parentElement.cells.length >= 12) return;
    for (const row of cell.closest("table").rows) {
      const head = row.cells[0]?.tagName === "TH";
      row.cells[cell.cellIndex]?.after(head ? make("th", { textContent: `${this.words.column} ${row.cells.length + 1}` }) : make("td", {}, make("br")));
    }
    this.changed();
  }

  column_remove() {
    const cell = this.cell();
    if (!cell) return;
    const at = cell.cellIndex;
    const table = cell.closest("table");
    for (const row of [...table.rows]) row.cells[at]?.remove();
    if (!table.rows[0]?.cells.length) table.remove();
    this.settle();
  }

  /** After something was taken away from under the cursor. */
  settle() {
    this.range = null;
    this.tableGroup.hidden = true;
    this.text.focus();
    this.changed();
  }
}

for (const root of document.querySelectorAll("[data-rich]")) new Editor(root);

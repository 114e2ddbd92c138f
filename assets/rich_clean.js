// What a document may hold, for the editor: pasted pages and what the browser makes of typing are brought down to it. The box has the last word.

const KEPT = {
  P: "p", DIV: "p", H1: "h2", H2: "h2", H3: "h3", H4: "h4", H5: "h4", H6: "h4", STRONG: "strong", B: "strong", EM: "em", I: "em", U: "u", S: "s",
  STRIKE: "s", DEL: "s", A: "a", UL: "ul", OL: "ol", LI: "li", BLOCKQUOTE: "blockquote", PRE: "pre", CODE: "code", HR: "hr", BR: "br", IMG: "img",
  TABLE: "table", TBODY: "tbody", TR: "tr", TH: "th", TD: "td",
};
const DROPPED = new Set([
  "SCRIPT", "STYLE", "HEAD", "TITLE", "META", "LINK", "SVG", "MATH", "IFRAME", "OBJECT", "EMBED", "TEMPLATE", "NOSCRIPT", "TEXTAREA", "SELECT", "BUTTON",
  "INPUT", "AUDIO", "VIDEO", "CANVAS",
]);
const BLOCKS = new Set(["P", "H2", "H3", "H4", "UL", "OL", "BLOCKQUOTE", "PRE", "HR", "TABLE"]);
/** Elements that show nothing when nothing is in them. */
const INLINE = new Set(["strong", "em", "u", "s", "a", "code"]);
const DEPTH = 60;

/** The body of a pasted page. Its styles are only looked at and its scripts not even that: the page's policy
 * forbids both, and the browser would complain. */
export function parsed(html) {
  const plain = html.replace(/<style[\s\S]*?<\/style>/gi, "").replace(/<[^>]*>/g, (tag) => tag.replace(/\s(style|on\w+)\s*=/gi, " data-$1="));
  return new DOMParser().parseFromString(plain, "text/html").body;
}

/** What an element is called in a document, or null when only what is in it counts: heads of tables are rows, because browsers tear them off
 * when they are put in; some editors mark plain text with bold that is none, and bold text with a style. */
function named(element) {
  const style = element.getAttribute("style") ?? element.dataset.style ?? "";
  const heavy = /font-weight:\s*(bold|[6-9]00)/i.test(style);
  if (element.tagName === "B" && /font-weight:\s*(normal|[1-5]00)/i.test(style)) return null;
  if (element.tagName === "SPAN") return heavy ? "strong" : /font-style:\s*italic/i.test(style) ? "em" : null;
  return KEPT[element.tagName] ?? null;
}

/** Elements are made in a document that shows nothing, so that nothing is loaded for them. */
const inert = document.implementation.createHTMLDocument("");

/** What the addresses of this page's space begin with. */
export const space = /^\/m\/\d+/.exec(location.pathname)?.[0] ?? "";

/** An address of this space as its pages are made: without where the space lies. Others as they are. */
function within(address) {
  const path = address.startsWith(`${location.origin}/`) ? address.slice(location.origin.length) : address;
  return space && path.startsWith(`${space}/`) ? path.slice(space.length) : path;
}

/** Whether blocks stand in it: then it is no paragraph itself. */
const holdsBlocks = (fragment) => [...fragment.children].some((child) => BLOCKS.has(child.tagName));

/** A clean copy of what is in a node, to be shown, or else to be sent. */
export function clean(node, depth = 0, shown = true) {
  const out = inert.createDocumentFragment();
  if (depth > DEPTH) return out;
  for (const child of node.childNodes) {
    if (child.nodeType === 3) out.append(child.data.replace(/[\u200b\ufeff]/g, ""));
    if (child.nodeType !== 1 || DROPPED.has(child.tagName.toUpperCase())) continue;
    const name = named(child);
    const inner = clean(child, depth + 1, shown);
    if (!name || (name === "p" && holdsBlocks(inner))) {
      out.append(inner);
      continue;
    }
    if (INLINE.has(name) && !inner.textContent && !inner.querySelector("img")) continue;
    const made = inert.createElement(name);
    if (name === "img") {
      const at = within(child.getAttribute("src") ?? "");
      if (!/^\/picture\/\d{1,20}$/.test(at)) continue;
      made.setAttribute("src", shown ? space + at : at);
      made.setAttribute("alt", (child.getAttribute("alt") ?? "").slice(0, 200));
    }
    if (name === "a") {
      const to = within(child.getAttribute("href") ?? "");
      if (!/^(https?:\/\/|mailto:|tel:|\/(?![/\\]))/i.test(to)) {
        out.append(inner);
        continue;
      }
      made.setAttribute("href", to);
    }
    for (const span of ["colspan", "rowspan"]) {
      if ((name === "td" || name === "th") && child.hasAttribute(span)) made.setAttribute(span, child.getAttribute(span));
    }
    made.append(inner);
    out.append(made);
  }
  return out;
}

/** The document that stands in the editor, as it is sent: blocks all through, what stands loose between them becomes paragraphs. */
export function documentOf(text) {
  const box = inert.createElement("div");
  let loose = null;
  for (const child of [...clean(text, 0, false).childNodes]) {
    if (child.nodeType === 1 && BLOCKS.has(child.tagName)) {
      loose = null;
      box.append(child);
      continue;
    }
    if (!loose && child.nodeType === 3 && !child.data.trim()) continue;
    if (!loose) box.append((loose = inert.createElement("p")));
    loose.append(child);
  }
  return box.innerHTML;
}

/** The words, as the box counts them. */
export function textOf(text) {
  const lines = text.innerText.split("\n").map((line) => line.replace(/\s+/g, " ").trim());
  return lines.filter(Boolean).join("\n");
}

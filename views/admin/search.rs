//! Finding anybody and anything: the page of finds with its facets, the list while somebody types, how the index is.

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, Input},
        heading,
        icon::{Icon, icon},
        list::{pager, query},
        notice, post, progress, stat,
    },
    format::{count, size},
    layout::{Tone, admin},
};
use domain::{EventId, Refusal, SavedSearch, Time};
use maud::{Markup, html};

/// A part of a text, and whether it is what was looked for.
pub type Piece = (String, bool);

/// A find as it is drawn.
pub struct Find {
    /// English source text of its kind.
    pub label: &'static str,
    /// Title in pieces.
    pub title: Vec<Piece>,
    /// Facts in pieces.
    pub facts: Vec<Vec<Piece>>,
    /// A piece of its text, in pieces.
    pub text: Vec<Piece>,
    /// Page of the text; 0 for none.
    pub page: u32,
    /// Its time.
    pub at: Option<Time>,
    /// What is special about it, as an English source text.
    pub note: Option<&'static str>,
    /// Where it opens.
    pub href: String,
}

/// What the page shows beside the finds.
#[derive(Default, Clone)]
pub struct Asked {
    /// What was typed.
    pub q: String,
    /// Kind that the finds are narrowed down to.
    pub kind: String,
    /// Event that they are narrowed down to.
    pub event: String,
    /// Order.
    pub sort: String,
}

impl Asked {
    /// The address of the page with this question.
    pub fn link(&self, page: usize) -> String {
        let page = if page == 0 { String::new() } else { page.to_string() };
        let pairs = [
            ("q", self.q.as_str()),
            ("kind", &self.kind),
            ("event", &self.event),
            ("sort", &self.sort),
            ("page", &page),
        ];
        query("/admin/search", &pairs)
    }

    fn with_kind(&self, kind: &str) -> String {
        Self { kind: kind.to_owned(), ..self.clone() }.link(0)
    }

    fn with_event(&self, event: &str) -> String {
        Self { event: event.to_owned(), ..self.clone() }.link(0)
    }
}

/// The page of finds.
pub struct Page<'a> {
    /// What was asked.
    pub asked: &'a Asked,
    /// The finds.
    pub finds: &'a [Find],
    /// How many there are.
    pub count: usize,
    /// Page from 0.
    pub page: usize,
    /// Finds of a page.
    pub size: usize,
    /// Kinds with names, labels and counts.
    pub kinds: &'a [(&'static str, &'static str, usize)],
    /// Events with names and counts.
    pub events: &'a [(EventId, String, usize)],
    /// Nothing was found as typed.
    pub near: bool,
    /// There are more than were counted.
    pub more: bool,
    /// There is no index to search just now.
    pub unready: bool,
    /// Searches that the reader keeps.
    pub saved: &'a [SavedSearch],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// Whether the reader looks after the index.
    pub may_manage: bool,
}

/// Text with its marks.
fn marked(pieces: &[Piece]) -> Markup {
    html! { @for (text, hit) in pieces { @if *hit { mark { (text) } } @else { (text) } } }
}

/// Orders with their labels.
const SORTS: &[(&str, &str)] =
    &[("", "Best first"), ("newest", "Newest first"), ("oldest", "Oldest first"), ("name", "By name")];

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let sorts: Vec<(String, String)> =
        SORTS.iter().map(|(value, label)| ((*value).to_owned(), text.t(label).to_owned())).collect();
    let actions = html! {
        a class="button" href="/admin/help/search" { (icon(Icon::Info)) (text.t("How to search")) }
        @if of.may_manage { a class="button" href="/admin/search/index" { (icon(Icon::Settings)) (text.t("Search index")) } }
    };
    let content = html! {
        (heading(text.t("Search"), &actions))
        (form.summary())
        form class="filter" method="get" action="/admin/search" {
            div class="field grow" {
                label for="f-q" { (text.t("Search for")) }
                input id="f-q" type="search" name="q" value=(of.asked.q) maxlength="200" placeholder=(text.t("Name, pinyin, phone, company, a word of a document"));
            }
            (form.select(&Input { name: "sort", label: text.t("Sorted by"), value: &of.asked.sort, ..Input::default() }, &sorts))
            input type="hidden" name="kind" value=(of.asked.kind);
            input type="hidden" name="event" value=(of.asked.event);
            button { (icon(Icon::Search)) (text.t("Search")) }
        }
        (saved(shell, of.saved, &of.asked.link(0), of.refusal.is_none() && !of.asked.q.is_empty()))
        @if of.unready { (notice(Tone::Warn, text.t("The search index is being built. Finds come as soon as it is ready."))) }
        @else if of.refusal.is_none() { (found(shell, of)) }
    };
    admin(shell, text.t("Search"), &[], &[], &content)
}

fn found(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let asked = of.asked;
    let idle = asked.q.is_empty() && asked.kind.is_empty() && asked.event.is_empty();
    html! {
        @if idle { (empty(text.t("What are you looking for?"), text.t("Two characters of a name, pinyin or initials, the end of a phone number, a company, a word of a document."), None)) }
        @else {
            (facets(shell, of))
            @if of.near { (notice(Tone::Info, text.t("Nothing was found as you typed it. These are one letter off."))) }
            @if of.more { (notice(Tone::Info, text.t("There are more than were counted. Add a word to narrow it down."))) }
            @if of.count == 0 { (empty(text.t("Nothing found"), text.t("Try fewer words, another spelling, or take a filter away."), None)) }
            @else {
                ol class="finds" { @for find in of.finds { li { (drawn(shell, find)) } } }
                (pager(text, of.page, of.size, of.count, |page| asked.link(page)))
            }
        }
    }
}

fn facets(shell: &Shell, of: &Page<'_>) -> Markup {
    let (text, asked) = (shell.text(), of.asked);
    let all: usize = of.kinds.iter().map(|kind| kind.2).sum();
    html! {
        nav class="facets" aria-label=(text.t("What to show")) {
            ul {
                li { a href=(asked.with_kind("")) aria-current=[asked.kind.is_empty().then_some("true")] { (text.t("Everything")) " " span class="num" { (count(all as i64)) } } }
                @for (name, label, number) in of.kinds {
                    li { a href=(asked.with_kind(name)) aria-current=[(asked.kind == *name).then_some("true")] { (text.t(label)) " " span class="num" { (count(*number as i64)) } } }
                }
            }
            @if of.events.len() > 1 || !asked.event.is_empty() {
                ul aria-label=(text.t("Events")) {
                    @if !asked.event.is_empty() { li { a href=(asked.with_event("")) { (icon(Icon::Cross)) (text.t("All events")) } } }
                    @for (id, name, number) in of.events {
                        @let value = id.to_string();
                        li { a href=(asked.with_event(&value)) aria-current=[(asked.event == value).then_some("true")] { (name) " " span class="num" { (count(*number as i64)) } } }
                    }
                }
            }
        }
    }
}

fn drawn(shell: &Shell, find: &Find) -> Markup {
    let text = shell.text();
    html! {
        div class="find-head" {
            a href=(find.href) { (marked(&find.title)) }
            (badge(Tone::Plain, text.t(find.label)))
            @if let Some(note) = find.note { span class="dim" { (text.t(note)) } }
        }
        @if !find.facts.is_empty() { p class="find-facts" { @for (at, fact) in find.facts.iter().enumerate() { @if at > 0 { " · " } (marked(fact)) } } }
        @if !find.text.is_empty() {
            p class="find-text" { @if find.page > 0 { span class="dim" { (text.f("page {page}", &[("page", &find.page.to_string())])) " " } } (marked(&find.text)) }
        }
        @if let Some(at) = find.at { p class="dim find-time" { (shell.format.date(at)) } }
    }
}

/// Searches that the reader keeps, and keeping this one.
pub fn saved(shell: &Shell, kept: &[SavedSearch], address: &str, may_keep: bool) -> Markup {
    let text = shell.text();
    html! {
        @if !kept.is_empty() || may_keep {
            div class="saved" {
                @if !kept.is_empty() {
                    ul aria-label=(text.t("Kept searches")) {
                        @for search in kept {
                            li {
                                a href=(search.address) { (search.name) }
                                form method="post" action={ "/admin/search/saved/" (search.id) "/remove" } class="inline" {
                                    button class="quiet" aria-label=(text.f("Remove {name}", &[("name", &search.name)])) { (icon(Icon::Cross)) }
                                }
                            }
                        }
                    }
                }
                @if may_keep {
                    details {
                        summary class="button" { (icon(Icon::Plus)) (text.t("Keep this search")) }
                        form method="post" action="/admin/search/saved" class="filter" {
                            input type="hidden" name="address" value=(address);
                            div class="field" { label for="f-saved-name" { (text.t("Name of the search")) } input id="f-saved-name" name="name" required maxlength="40"; }
                            button { (text.t("Keep")) }
                        }
                    }
                }
            }
        }
    }
}

/// The list under the search box while somebody types: a piece of a page.
pub fn suggestions(shell: &Shell, finds: &[Find], more: &str, refusal: Option<&Refusal>, unready: bool) -> Markup {
    let text = shell.text();
    html! {
        @if let Some(refusal) = refusal { li role="option" aria-disabled="true" aria-selected="false" { (text.refusal(refusal)) } }
        @else if unready { li role="option" aria-disabled="true" aria-selected="false" { (text.t("The search index is being built. Finds come as soon as it is ready.")) } }
        @else if finds.is_empty() { li role="option" aria-disabled="true" aria-selected="false" { (text.t("Nothing found")) } }
        @for (at, find) in finds.iter().enumerate() {
            li role="option" id={ "suggestion-" (at) } aria-selected="false" data-href=(find.href) {
                span class="suggestion-title" { (marked(&find.title)) }
                span class="dim" { (text.t(find.label)) @for fact in find.facts.iter().take(3) { " · " (marked(fact)) } }
                @if !find.text.is_empty() && find.facts.is_empty() { span class="dim suggestion-text" { (marked(&find.text)) } }
            }
        }
        @if !finds.is_empty() { li role="option" id="suggestion-all" aria-selected="false" data-href=(more) { (text.t("Show everything that was found")) } }
    }
}

/// How the index is.
pub struct Index {
    /// Searching works.
    pub ready: bool,
    /// Entries.
    pub entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Changes that are not in it yet.
    pub waiting: usize,
    /// A new one is being built: records done, of how many, records a second, seconds left.
    pub building: Option<(u64, u64, u64, u64)>,
    /// Why building it failed.
    pub failed: Option<String>,
}

/// The page of the index.
pub fn index(shell: &Shell, of: &Index) -> Markup {
    let text = shell.text();
    let state = match (of.ready, of.building.is_some()) {
        (true, false) => badge(Tone::Good, text.t("Searchable")),
        (true, true) => badge(Tone::Info, text.t("Searchable; a new one is being built")),
        (false, _) => badge(Tone::Warn, text.t("Being built")),
    };
    let content = html! {
        (heading(text.t("Search index"), &state))
        p class="dim" { (text.t("The index is made from the records and can be made again at any time; nothing is lost with it. While a new one is built, the old one is searched.")) }
        dl class="stats" {
            (stat(text.t("Index entries"), &count(of.entries.try_into().unwrap_or(i64::MAX)), None))
            (stat(text.t("On disk"), &size(of.bytes), None))
            (stat(text.t("Not in it yet"), &count(of.waiting.try_into().unwrap_or(i64::MAX)), None))
        }
        @if let Some(failed) = &of.failed { (notice(Tone::Bad, &text.f("Building it failed: {why}", &[("why", failed)]))) }
        @if let Some((done, all, rate, left)) = of.building {
            section class="panel" {
                (progress(text.t("Building"), u32::try_from(done).unwrap_or(u32::MAX), u32::try_from(all.max(done)).unwrap_or(u32::MAX)))
                p { (text.f("{rate} records a second, about {left} seconds left", &[("rate", &count(rate.try_into().unwrap_or(i64::MAX))), ("left", &left.to_string())])) }
                a class="button" href="/admin/search/index" { (text.t("Refresh")) }
            }
        } @else { (post("/admin/search/index/rebuild", "", text.t("Build it anew"), Icon::Search)) }
    };
    admin(shell, text.t("Search index"), &[(text.t("Search"), "/admin/search".into())], &[], &content)
}

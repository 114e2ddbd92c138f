//! Form bodies: fields by name, and files of multipart forms, within limits.

use crate::{Hall, answer::Failure};
use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request},
    http::header,
};
use domain::{Refusal, refuse};
use std::str::FromStr;

/// The fields of a form in the order they came.
#[derive(Debug, Default, Clone)]
pub struct Fields {
    pairs: Vec<(String, String)>,
    files: Vec<File>,
}

/// An uploaded file.
#[derive(Debug, Clone)]
pub struct File {
    /// Field name.
    pub field: String,
    /// Name of the file as the browser gave it.
    pub name: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Most fields of one form.
const FIELDS_MAX: usize = 3_000;

fn unreadable() -> Failure {
    refuse!(Invalid, "form.unreadable", "The form could not be read. Send it again.").into()
}

impl Fields {
    /// The value of a field; empty when it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// The value of a field for a text with pictures: the document it was opened with when that was not changed.
    pub fn rich(&self, name: &str) -> String {
        domain::rich::meant(self.get(name), self.get(&format!("{name}_was")))
    }

    /// All values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A ticked box.
    pub fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// A field that is a number or id; none when it is empty.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let text = self.get(name).trim();
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = || Refusal::invalid(vec![domain::problem!(name, "Choose one of the given answers.")]);
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// As [`Self::number`], as programs give it: digits and nothing else where the field is there at all.
    pub fn exact<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let Some((_, text)) = self.pairs.iter().find(|(key, _)| key == name) else { return Ok(None) };
        let wrong = || Refusal::invalid(vec![domain::problem!(name, "Choose one of the given answers.")]);
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// Which page of a list is asked for, from 0 and at most `most`.
    pub fn page(&self, most: usize) -> Result<usize, Refusal> {
        Ok(self.number("page")?.unwrap_or(0usize).min(most))
    }

    /// As [`Self::number`], where one must be given.
    pub fn needed<T: FromStr>(&self, name: &str) -> Result<T, Refusal> {
        let missing = || Refusal::invalid(vec![domain::problem!(name, "This field is required.")]);
        self.number(name)?.ok_or_else(missing)
    }

    /// Answers to questions: fields named `answer-<number>`; several of one question are joined, one a line. What stands for a file that
    /// was uploaded before is in a field named `answer-<number>-kept`.
    pub fn answers(&self) -> Vec<(u16, String)> {
        let mut answers: Vec<(u16, String)> = Vec::new();
        for (key, value) in &self.pairs {
            let Some(rest) = key.strip_prefix("answer-") else { continue };
            let Ok(id) = rest.strip_suffix("-kept").unwrap_or(rest).parse() else { continue };
            match answers.iter_mut().find(|(kept, _)| *kept == id) {
                Some((_, answer)) if !value.is_empty() => {
                    answer.push('\n');
                    answer.push_str(value);
                }
                Some(_) => {}
                None => answers.push((id, value.clone())),
            }
        }
        answers
    }

    /// Files uploaded as answers, by question number.
    pub fn uploads(&self) -> Vec<(u16, File)> {
        let upload = |file: &File| Some((file.field.strip_prefix("answer-")?.parse().ok()?, file.clone()));
        self.files.iter().filter(|file| !file.bytes.is_empty()).filter_map(upload).collect()
    }

    /// The fields whose names begin with `prefix`, without it: one person's part of a form for several.
    pub fn below(&self, prefix: &str) -> Self {
        let own = |(name, value): &(String, String)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone()));
        let files = self
            .files
            .iter()
            .filter_map(|file| Some(File { field: file.field.strip_prefix(prefix)?.to_owned(), ..file.clone() }));
        Self { pairs: self.pairs.iter().filter_map(own).collect(), files: files.collect() }
    }

    /// The file of a field, when one was chosen.
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.field == name && !file.bytes.is_empty())
    }
}

impl FromRequest<Hall> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, hall: &Hall) -> Result<Self, Failure> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if kind.starts_with("multipart/form-data") {
            return multipart(request, hall).await;
        }
        let body = Bytes::from_request(request, hall).await.map_err(|_| too_large())?;
        let pairs: Vec<(String, String)> = serde_html_form::from_bytes(&body).map_err(|_| unreadable())?;
        if pairs.len() > FIELDS_MAX {
            return Err(unreadable());
        }
        Ok(Self { pairs, files: Vec::new() })
    }
}

fn too_large() -> Failure {
    refuse!(Invalid, "form.too_large", "What was sent is too large.").into()
}

async fn multipart(request: Request, hall: &Hall) -> Result<Fields, Failure> {
    let mut parts = Multipart::from_request(request, hall).await.map_err(|_| unreadable())?;
    let mut fields = Fields::default();
    while let Some(part) = parts.next_field().await.map_err(|_| too_large())? {
        if fields.pairs.len() + fields.files.len() >= FIELDS_MAX {
            return Err(unreadable());
        }
        let field = part.name().unwrap_or("").to_owned();
        let name = part.file_name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(|_| too_large())?;
        match name {
            Some(name) => fields.files.push(File { field, name, bytes }),
            None => fields.pairs.push((field, String::from_utf8_lossy(&bytes).into_owned())),
        }
    }
    Ok(fields)
}

/// The kind of file that an address asks for by its ending; csv when it has none of ours.
pub struct Ending(pub service::sheet::Format);

impl axum::extract::FromRequestParts<Hall> for Ending {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &Hall) -> Result<Self, Self::Rejection> {
        let ending = parts.uri.path().rsplit('.').next().and_then(service::sheet::Format::parse);
        Ok(Self(ending.unwrap_or(service::sheet::Format::Csv)))
    }
}

/// The query of an address as fields.
pub struct Query(pub Fields);

impl axum::extract::FromRequestParts<Hall> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &Hall) -> Result<Self, Failure> {
        let pairs = serde_html_form::from_str(parts.uri.query().unwrap_or("")).map_err(|_| unreadable())?;
        Ok(Self(Fields { pairs, files: Vec::new() }))
    }
}

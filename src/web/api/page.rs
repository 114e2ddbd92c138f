//! The page on which people read what the API can do; it says what the description says.

// What is not in a JSON value is null when it is indexed: that never panics.
#![allow(clippy::indexing_slicing)]

use crate::{
    answer::{Answer, page},
    audience::Visit,
};
use serde_json::Value;
use views::phone::api::{self as pages, Group, Param, Route};

/// The page.
pub(super) async fn show(visit: Visit) -> Answer {
    let described = super::description();
    page(pages::show(&visit.shell(), &text(&described["info"]["description"]), &groups(&described)))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}

fn groups(described: &Value) -> Vec<Group> {
    let tags = described["tags"].as_array().cloned().unwrap_or_default();
    let group = |tag: &Value| Group {
        name: text(&tag["name"]),
        words: text(&tag["description"]),
        routes: routes(described, &text(&tag["name"])),
    };
    tags.iter().map(group).filter(|group| !group.routes.is_empty()).collect()
}

fn routes(described: &Value, tag: &str) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, methods) in described["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let tags = operation["tags"].as_array();
            if tags.is_some_and(|tags| tags.iter().any(|known| known == tag)) {
                routes.push(route(described, method, path, operation));
            }
        }
    }
    routes
}

fn route(described: &Value, method: &str, path: &str, operation: &Value) -> Route {
    let params = operation["parameters"].as_array().into_iter().flatten().map(|param| Param {
        name: text(&param["name"]),
        kind: kind(&param["schema"]),
        needed: param["required"].as_bool().unwrap_or(false),
        words: text(&param["description"]),
    });
    let ok = operation["responses"].as_object().into_iter().flatten().find(|(status, _)| status.starts_with('2'));
    let answer = ok.map(|(_, answer)| &answer["content"]["application/json"]["schema"]);
    Route {
        method: method.to_uppercase(),
        path: path.to_owned(),
        words: [text(&operation["summary"]), text(&operation["description"])].join("\n").trim().to_owned(),
        closed: operation["security"].as_array().is_some_and(|security| !security.is_empty()),
        params: params.collect(),
        body: fields(described, &operation["requestBody"]["content"]["application/json"]["schema"]),
        answer: answer.map(|schema| fields(described, schema)).unwrap_or_default(),
    }
}

/// The schema that a reference leads to.
fn followed<'a>(described: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        Some(path) => described.pointer(path).unwrap_or(schema),
        None => schema,
    }
}

/// The fields of an object, those of what it is made of included.
fn fields(described: &Value, schema: &Value) -> Vec<Param> {
    let schema = followed(described, schema);
    let mut all = Vec::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        all.extend(fields(described, part));
    }
    let needed: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, of) in schema["properties"].as_object().into_iter().flatten() {
        let words = text(&of["description"]);
        all.push(Param { name: name.clone(), kind: kind(of), needed: needed.contains(&name.as_str()), words });
    }
    if all.is_empty() && schema["type"] == "array" {
        return fields(described, &schema["items"]);
    }
    all
}

/// A type in short.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return name.to_owned();
    }
    for any in ["oneOf", "anyOf"] {
        if let Some(parts) = schema[any].as_array() {
            let names: Vec<String> = parts.iter().map(kind).filter(|name| name != "null").collect();
            return names.join(" | ");
        }
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("{}[]", kind(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect();
            match names.as_slice() {
                ["array"] => format!("{}[]", kind(&schema["items"])),
                names => names.join(" | "),
            }
        }
        _ => String::new(),
    }
}

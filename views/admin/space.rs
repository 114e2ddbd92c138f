//! Settings of the association and its departments.

use crate::{
    Shell,
    component::{
        Confirm, confirm,
        form::{Form, Input},
        icon::{Icon, icon},
    },
    layout::admin,
};
use domain::{Department, Refusal};
use maud::{Markup, html};

/// The settings page.
pub fn settings(
    shell: &Shell,
    name: &str,
    zone: &str,
    departments: &[Department],
    refusal: Option<&Refusal>,
    more: &Markup,
) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let parents: Vec<(String, String)> = std::iter::once((String::new(), text.t("The whole association").to_owned()))
        .chain(departments.iter().map(|department| (department.id.to_string(), department.name.clone())))
        .collect();
    let content = html! {
        div class="heading" { h1 { (text.t("Settings")) } div class="actions" { a class="button" href="/admin/wechat" { (text.t("WeChat and WeCom")) } a class="button" href="/admin/payment" { (text.t("Payment")) } a class="button" href="/admin/webhook" { (text.t("Webhooks")) } a class="button" href="/admin/person" { (text.t("Merged records")) } } }
        (form.summary())
        section class="panel" {
            h2 { (text.t("Association")) }
            form method="post" action="/admin/space" class="form" {
                (form.input(&Input { name: "name", label: text.t("Name of the association"), value: name, required: true, max: 60, ..Input::default() }))
                (form.input(&Input { name: "zone", label: text.t("Time zone"), value: zone, required: true, max: 64, help: text.t("For example Asia/Shanghai"), ..Input::default() }))
                button class="primary" { (text.t("Save")) }
            }
        }
        (more)
        section class="panel" {
            h2 { (text.t("Departments")) }
            p class="dim" { (text.t("A permission given for a department holds for all below it.")) }
            @for department in departments {
                div class="row" {
                    form method="post" action={ "/admin/department/" (department.id) } class="filter" {
                        @let (name, parent) = (format!("department-{}", department.id), format!("parent-{}", department.id));
                        (Form::new(text, None).input(&Input { name: &name, label: text.t("Department name"), value: &department.name, required: true, max: 40, ..Input::default() }))
                        (Form::new(text, None).select(&Input { name: &parent, label: text.t("Below"), value: &department.parent.map_or(String::new(), |id| id.to_string()), ..Input::default() }, &parents))
                        button { (text.t("Save")) }
                    }
                    (confirm(&Confirm { label: text.t("Delete"), warning: &text.f("The department “{name}” is deleted for good.", &[("name", &department.name)]), action: &format!("/admin/department/{}/remove", department.id), verb: text.t("Delete for good") }))
                }
            }
            form method="post" action="/admin/department" class="filter" {
                (form.input(&Input { name: "department", label: text.t("New department"), required: true, max: 40, ..Input::default() }))
                (form.select(&Input { name: "parent", label: text.t("Below"), ..Input::default() }, &parents))
                button { (icon(Icon::Plus)) (text.t("Add")) }
            }
        }
    };
    admin(shell, text.t("Settings"), &[], &[], &content)
}

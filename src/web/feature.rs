//! The registry of features: their place in the navigation and the permission that opens them. Routes stand in the files named.

use domain::Permission;
use service::Actor;
use views::{NavEntry, component::icon::Icon};

/// A feature that the secretariat sees.
pub struct Feature {
    /// Its noun: file name in every room, URL segment.
    pub name: &'static str,
    /// English source text.
    pub label: &'static str,
    /// Where its pages begin.
    pub href: &'static str,
    /// Its icon.
    pub icon: Icon,
    /// Any of these, anywhere, opens it; none: every member of staff.
    pub permissions: &'static [Permission],
}

/// Every feature with an entry in the navigation, in its order.
pub const FEATURES: &[Feature] = &[
    Feature {
        name: "overview",
        label: "Overview",
        href: "/admin",
        icon: Icon::Home,
        permissions: &[Permission::EventView],
    },
    Feature {
        name: "event",
        label: "Events",
        href: "/admin/event",
        icon: Icon::Calendar,
        permissions: &[Permission::EventView],
    },
    Feature {
        name: "member",
        label: "Members",
        href: "/admin/member",
        icon: Icon::People,
        permissions: &[Permission::MemberManage],
    },
    Feature {
        name: "privacy",
        label: "People's data",
        href: "/admin/privacy",
        icon: Icon::Person,
        permissions: &[Permission::PersonPrivacy],
    },
    Feature {
        name: "home",
        label: "Home page",
        href: "/admin/home",
        icon: Icon::Globe,
        permissions: &[Permission::SpaceManage],
    },
    Feature {
        name: "merchant",
        label: "Merchants",
        href: "/admin/merchant",
        icon: Icon::Branch,
        permissions: &[Permission::MerchantManage],
    },
    Feature {
        name: "document",
        label: "Documents",
        href: "/admin/document",
        icon: Icon::Log,
        permissions: &[Permission::DocumentView],
    },
    Feature {
        name: "account",
        label: "Accounts",
        href: "/admin/account",
        icon: Icon::Key,
        permissions: &[Permission::AccountManage],
    },
    Feature {
        name: "client",
        label: "API clients",
        href: "/admin/client",
        icon: Icon::Key,
        permissions: &[Permission::ClientManage],
    },
    Feature {
        name: "space",
        label: "Settings",
        href: "/admin/space",
        icon: Icon::Settings,
        permissions: &[Permission::SpaceManage],
    },
    Feature {
        name: "message",
        label: "Message settings",
        href: "/admin/message",
        icon: Icon::Globe,
        permissions: &[Permission::SpaceManage],
    },
    Feature {
        name: "blast",
        label: "Messages to many",
        href: "/admin/blast",
        icon: Icon::People,
        permissions: &[Permission::NoticeSend],
    },
    Feature {
        name: "outbox",
        label: "Outbox",
        href: "/admin/outbox",
        icon: Icon::Export,
        permissions: &[Permission::OutboxManage],
    },
    Feature {
        name: "backup",
        label: "Backups",
        href: "/admin/backup",
        icon: Icon::Check,
        permissions: &[Permission::BackupManage],
    },
    Feature {
        name: "standby",
        label: "Stand-by box",
        href: "/admin/standby",
        icon: Icon::Check,
        permissions: &[Permission::BackupManage],
    },
    Feature {
        name: "tunnel",
        label: "Tunnel",
        href: "/admin/tunnel",
        icon: Icon::Globe,
        permissions: &[Permission::BackupManage],
    },
    Feature {
        name: "health",
        label: "Status of the box",
        href: "/admin/status",
        icon: Icon::Chart,
        permissions: &[Permission::BackupManage],
    },
    Feature {
        name: "audit",
        label: "Audit log",
        href: "/admin/audit",
        icon: Icon::Log,
        permissions: &[Permission::AuditView],
    },
    Feature {
        name: "access",
        label: "Who saw numbers in full",
        href: "/admin/access",
        icon: Icon::Log,
        permissions: &[Permission::AccessView],
    },
    Feature { name: "help", label: "Help pages", href: "/admin/help", icon: Icon::Info, permissions: &[] },
];

/// The entries that the actor may open.
pub fn navigation(actor: &Actor, path: &str) -> Vec<NavEntry> {
    let path = path.split('?').next().unwrap_or("");
    let open = FEATURES.iter().filter(|feature| {
        feature.permissions.is_empty() || feature.permissions.iter().any(|permission| actor.holds(*permission))
    });
    open.map(|feature| NavEntry {
        label: feature.label,
        href: feature.href.to_owned(),
        icon: feature.icon,
        current: path == feature.href || feature.href != "/admin" && path.starts_with(&format!("{}/", feature.href)),
    })
    .collect()
}

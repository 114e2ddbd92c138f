//! `huiguan verify`: every record, index and counter, the logs of doors, the audit chain, and its anchors on the box and in a backup.

use crate::{
    boot,
    command::say,
    restore::{Keys, key, with_site},
    settings::Settings,
};
use clap::Args;
use service::{Error, anchor, backup};
use std::process::ExitCode;

/// What else it is compared with.
#[derive(Args)]
pub struct Against {
    /// A folder of backups, or its address on another computer: the audit log is compared with the anchors in it. Whoever rewrites the log on
    /// the box cannot rewrite those.
    #[arg(long, value_name = "DIR|URL")]
    against: Option<String>,
    #[command(flatten)]
    keys: Keys,
}

/// Runs the command.
pub fn run(settings: &Settings, of: &Against) -> Result<ExitCode, Error> {
    // Before anything is opened: a wrong key is told at once.
    let kept = match &of.against {
        Some(from) => {
            let key = key(&of.keys)?;
            Some(with_site(settings, &of.keys, from, |site| backup::anchors(site, &key))?)
        }
        None => None,
    };
    let ctx = boot::open(settings)?;
    let report = ctx.store().view().verify();
    say(report.to_string());
    let mut vouched = true;
    for space in ctx.spaces()? {
        let logs = service::checkin::vouch::verify(&ctx, space)?;
        if space == domain::SpaceId::ASSOCIATION {
            say(logs.to_string());
        } else {
            say(format!("space {space}: {logs}"));
        }
        vouched &= logs.problems.is_empty();
    }
    let anchored = anchor::verify(&ctx)?;
    say(anchored.to_string());
    vouched &= anchored.problems.is_empty();
    if let Some(kept) = kept {
        let compared = anchor::compare(&ctx, &kept)?;
        say(format!("in the backup: {compared}"));
        vouched &= compared.problems.is_empty();
    }
    ctx.store().clone().close()?;
    let sound = report.is_sound() && vouched;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

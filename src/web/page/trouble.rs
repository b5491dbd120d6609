//! What is wrong with an account, in words, and what to do about it.

use super::words::date;
use crate::account::View;
use crate::gateway::error::Reason;
use crate::plural::{choose, count};
use crate::refresh::Troubles;
use crate::snapshot::Snapshot;

const LOOK_AT_THE_LIST: &str = "Look at the list of the account in the Qlara dashboard.";

/// Something that somebody should know of an account.
#[derive(Debug)]
pub(super) struct Trouble {
    /// One or two sentences.
    pub(super) what: String,
    /// What to do.
    pub(super) advice: String,
}

impl Trouble {
    fn of(reason: Reason) -> Trouble {
        Trouble {
            what: describe(reason).to_owned(),
            advice: advise(reason).to_owned(),
        }
    }
}

/// Everything that is wrong with the account, the worst first.
pub(super) fn troubles(view: &View) -> Vec<Trouble> {
    let mut all = Vec::new();
    if let Some(troubles) = &view.troubles {
        all.extend(
            troubles
                .list
                .as_ref()
                .map(|error| Trouble::of(error.reason())),
        );
        if troubles.list.is_none() && view.exposed.up == Some(false) {
            all.push(Trouble {
                what: "The list of profiles was read and could not be used.".to_owned(),
                advice: "Look at the exporter's log.".to_owned(),
            });
        }
        all.extend(details(troubles, view.snapshot.as_deref()));
        all.extend(troubles.secret.as_ref().map(|_| {
            Trouble {
            what: "The file with the credentials cannot be read again; the last value stays in use."
                .to_owned(),
            advice: "Check that the file exists and that the exporter may read it.".to_owned(),
        }
        }));
        all.extend(repeated_secret(troubles));
        if troubles.platforms_not_asked > 0 {
            all.push(Trouble {
                what: format!(
                    "{} {} not asked for details: the list names too many.",
                    count(troubles.platforms_not_asked, "platform"),
                    choose(troubles.platforms_not_asked, "is", "are")
                ),
                advice: LOOK_AT_THE_LIST.to_owned(),
            });
        }
    }
    all.extend(view.snapshot.as_deref().and_then(part));
    all.extend(view.snapshot.as_deref().and_then(details_in_part));
    all.extend(view.snapshot.as_deref().and_then(empty));
    all.extend(view.snapshot.as_deref().and_then(linked_accounts_dropped));
    all.extend(view.snapshot.as_deref().and_then(dropped));
    all
}

fn repeated_secret(troubles: &Troubles) -> Option<Trouble> {
    let entries = troubles.entries_with_secret;
    (entries > 0).then(|| Trouble {
        what: format!("The gateway repeats the account's credentials in {entries} entries; values that do are not read."),
        advice: "Check that gateway.url leads to the gateway and not to a proxy's page. If something else answered, replace the credentials."
            .to_owned(),
    })
}

/// Details calls that failed, those with the same reason together.
fn details(troubles: &Troubles, snapshot: Option<&Snapshot>) -> impl Iterator<Item = Trouble> {
    Reason::ALL.into_iter().filter_map(move |reason| {
        let failed = troubles.details.iter();
        let platforms: Vec<&str> = failed
            .filter(|(_, error)| error.reason() == reason)
            .map(|(platform, _)| platform.as_str())
            .collect();
        let what = format!("No details of {}. {}", shown(&platforms), describe(reason));
        let advice = format!("{} {}", meanwhile(snapshot, &platforms), advise(reason));
        (!platforms.is_empty()).then_some(Trouble { what, advice })
    })
}

/// What is shown in place of details that cannot be read.
fn meanwhile(snapshot: Option<&Snapshot>, platforms: &[&str]) -> String {
    let kept = platforms.iter().filter_map(|platform| {
        let state = snapshot?.details.get(*platform)?;
        state.oldest
    });
    match kept.map(|read_at| read_at.wall).min() {
        Some(oldest) => format!(
            "Meanwhile permissions and last activity are those of {}.",
            date(oldest)
        ),
        None => "Meanwhile permissions and last activity are not known.".to_owned(),
    }
}

/// A list in part must not pass for the whole.
fn part(snapshot: &Snapshot) -> Option<Trouble> {
    let shown = snapshot.profiles.len();
    let what = match snapshot.reported {
        Some(total) if total > shown as u64 => {
            let total = count(total, "profile");
            format!("The list is a part: it holds {shown} of {total}.")
        }
        _ => "The list is a part: it speaks of further pages.".to_owned(),
    };
    (!snapshot.is_complete).then(|| Trouble {
        what,
        advice: "Nothing is known of the other profiles: look at them in the Qlara dashboard. qlara-exporter explain shows what the gateway answers.".to_owned(),
    })
}

fn details_in_part(snapshot: &Snapshot) -> Option<Trouble> {
    let parts = snapshot.details.iter().filter(|(_, state)| state.is_part);
    let platforms: Vec<&str> = parts.map(|(platform, _)| &**platform).collect();
    (!platforms.is_empty()).then(|| Trouble {
        what: format!("The details of {} are a part.", shown(&platforms)),
        advice: "Permissions and last activity of the other profiles are not known.".to_owned(),
    })
}

/// The first few of names that the gateway gave.
fn shown(platforms: &[&str]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<_> = platforms
        .iter()
        .take(SHOWN)
        .map(|name| super::words::short(name))
        .collect();
    match platforms.len() {
        0..=SHOWN => names.join(", "),
        count => format!("{} and {} more", names.join(", "), count - SHOWN),
    }
}

/// As for the audit and the alerts, an account without a profile is a warning.
fn empty(snapshot: &Snapshot) -> Option<Trouble> {
    let is_empty = snapshot.profiles.is_empty() && snapshot.is_complete;
    is_empty.then(|| Trouble {
        what: "No profile is connected.".to_owned(),
        advice: "Check that the key is that of the right account, and look there in the Qlara dashboard.".to_owned(),
    })
}

fn linked_accounts_dropped(snapshot: &Snapshot) -> Option<Trouble> {
    let dropped = snapshot.linked_accounts_dropped;
    (dropped > 0).then(|| Trouble {
        what: format!(
            "{} not shown: {} past limits.profiles.",
            count(dropped, "linked account") + choose(dropped, " is", " are"),
            choose(dropped, "it is", "they are")
        ),
        advice: "Raise limits.profiles in the configuration.".to_owned(),
    })
}

fn dropped(snapshot: &Snapshot) -> Option<Trouble> {
    let dropped = snapshot.dropped;
    let kinds = [
        (
            dropped.limit,
            "past limits.profiles or limits.exposition_bytes",
        ),
        (dropped.invalid, "without a usable platform or id"),
        (dropped.duplicate, "listed twice"),
    ];
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    let advice = match dropped.limit {
        0 => LOOK_AT_THE_LIST,
        _ => {
            "Raise limits.profiles or limits.exposition_bytes, which all accounts share, in the configuration."
        }
    };
    let advice = advice.to_owned();
    let what = format!(
        "Entries of the gateway's list are left out: {}.",
        kinds.join(", ")
    );
    (!kinds.is_empty()).then_some(Trouble { what, advice })
}

fn describe(reason: Reason) -> &'static str {
    match reason {
        Reason::Unauthorized => "The gateway refuses the API key (HTTP 401).",
        Reason::Forbidden => "The gateway forbids the call (HTTP 403).",
        Reason::RateLimited => "The rate limit of the API key is used up (HTTP 429).",
        Reason::ClientError => "The gateway does not know the address that is asked for.",
        Reason::ServerError => "The gateway itself has trouble (HTTP 5xx).",
        Reason::Timeout => "The gateway did not answer in time.",
        Reason::Connect => "The gateway cannot be reached.",
        Reason::Tls => "No trusted TLS connection with the gateway.",
        Reason::TooLarge => "The gateway's answer is longer than limits.response_bytes.",
        Reason::InvalidResponse => "The gateway's answer is not as documented.",
    }
}

fn advise(reason: Reason) -> &'static str {
    match reason {
        Reason::Unauthorized => {
            "Check that the key is the right one and active. A new key in the same file needs no restart."
        }
        Reason::Forbidden => {
            "Check the key's permissions, and the account's IP allow-list: it may lack this machine's address."
        }
        Reason::RateLimited => {
            "The exporter waits as long as the gateway asks. If it happens again, look what else uses the key, or raise cache.ttl."
        }
        Reason::ClientError => {
            "Check gateway.url, the whole prefix in front of /socials: the API's pages use /api/v1/partner-gateway and /api/partner-gateway/v1. qlara-exporter explain tries both."
        }
        Reason::ServerError => {
            "The exporter tries again by itself. If it lasts, ask the gateway's support."
        }
        Reason::Timeout => {
            "Check name resolution, the network and the proxy, or raise gateway.timeout."
        }
        Reason::Connect => "Check gateway.url, name resolution, the network and the proxy.",
        Reason::Tls => "Check gateway.tls_config.ca_file, and the clock of this machine.",
        Reason::TooLarge => "Raise limits.response_bytes in the configuration.",
        Reason::InvalidResponse => {
            "Check that gateway.url leads to the gateway and not to a proxy's page. The log says what was found; qlara-exporter explain shows which fields the gateway answers."
        }
    }
}

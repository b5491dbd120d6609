//! What is wrong with an account, in words, and what to do about it.

use crate::account::View;
use crate::gateway::error::Reason;
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
        all.extend(details(troubles));
        all.extend(troubles.secret.as_ref().map(|_| {
            Trouble {
            what: "The file with the credentials cannot be read again; the last value stays in use."
                .to_owned(),
            advice: "Check that the file exists and that the exporter may read it.".to_owned(),
        }
        }));
        if troubles.platforms_not_asked > 0 {
            all.push(Trouble {
                what: format!(
                    "{} platforms are not asked for details: the list names too many.",
                    troubles.platforms_not_asked
                ),
                advice: LOOK_AT_THE_LIST.to_owned(),
            });
        }
    }
    all.extend(view.snapshot.as_deref().and_then(empty));
    all.extend(view.snapshot.as_deref().and_then(dropped));
    all
}

/// Details calls that failed, those with the same reason together.
fn details(troubles: &Troubles) -> impl Iterator<Item = Trouble> {
    Reason::ALL.into_iter().filter_map(|reason| {
        let failed = troubles.details.iter();
        let platforms: Vec<&str> = failed
            .filter(|(_, error)| error.reason() == reason)
            .map(|(platform, _)| platform.as_str())
            .collect();
        let what = format!("No details of {}. {}", shown(&platforms), describe(reason));
        let advice = format!(
            "Meanwhile permissions and last activity are not known. {}",
            advise(reason)
        );
        (!platforms.is_empty()).then_some(Trouble { what, advice })
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
    snapshot.profiles.is_empty().then(|| Trouble {
        what: "No profile is connected.".to_owned(),
        advice: "Check that the key is that of the right account, and look there in the Qlara dashboard.".to_owned(),
    })
}

fn dropped(snapshot: &Snapshot) -> Option<Trouble> {
    let dropped = snapshot.dropped;
    let kinds = [
        (dropped.limit, "past limits.profiles"),
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
        _ => "Raise limits.profiles in the configuration.",
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
        Reason::ClientError => "Check gateway.url: the whole prefix in front of /socials.",
        Reason::ServerError => {
            "The exporter tries again by itself. If it lasts, ask the gateway's support."
        }
        Reason::Timeout => "Check the network and the proxy, or raise gateway.timeout.",
        Reason::Connect => "Check gateway.url, name resolution, the network and the proxy.",
        Reason::Tls => "Check gateway.tls_config.ca_file, and the clock of this machine.",
        Reason::TooLarge => "Raise limits.response_bytes in the configuration.",
        Reason::InvalidResponse => {
            "Check that gateway.url leads to the gateway and not to a proxy's page; the log says more."
        }
    }
}

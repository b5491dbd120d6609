//! The frame of every page: head, navigation, footer, and the headers of the response.

use axum::http::HeaderName;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};

use super::site::Site;
use crate::build;
use crate::verdict::Severity;
use crate::web::paths::DOCUMENTATION;
use exporter_toolkit::health::{HEALTHY, READY};

/// The stylesheet, which is part of each page.
const STYLE: &str = include_str!("style.css");

/// What all pages are about.
const DESCRIPTION: &str = "Which social profiles are connected to the Qlara gateway, in which state they are, and what to do.";

/// A page.
pub(super) struct Document {
    pub(super) title: String,
    /// The severity that the icon shows.
    pub(super) severity: Severity,
    /// The target of the link that skips the navigation: its id, and its name in the link.
    pub(super) skip_to: (&'static str, &'static str),
    pub(super) main: Markup,
    /// What the footer says after version and time.
    pub(super) footer: Markup,
}

impl Document {
    /// The page as HTML.
    pub(super) fn render(self, site: &Site) -> String {
        let (target, target_name) = self.skip_to;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="description" content=(DESCRIPTION);
                    title { (self.title) " – Qlara profiles" }
                    link rel="icon" type="image/svg+xml" href=(icon(self.severity));
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href={ "#" (target) } { "Skip to " (target_name) }
                    (header(site))
                    main { (self.main) }
                    footer {
                        p {
                            "qlara-exporter " (build::VERSION) ", revision " (build::REVISION)
                            " · as of " (site.time(site.now))
                        }
                        (self.footer)
                    }
                }
            }
        };
        page.into_string()
    }
}

fn header(site: &Site) -> Markup {
    let links = [
        ("Metrics", site.options.telemetry_path.as_str()),
        ("Health", HEALTHY),
        ("Readiness", READY),
        ("Documentation", DOCUMENTATION),
    ];
    html! {
        header {
            a.brand href=(site.url("/")) { "Qlara exporter" }
            nav aria-label="Exporter" {
                @for (text, path) in links { a href=(site.url(path)) { (text) } }
            }
        }
    }
}

/// A disc in the colour of the severity, as in the stylesheet.
fn icon(severity: Severity) -> String {
    let colour = match severity {
        Severity::Critical => "#a8201a",
        Severity::Warning => "#b97400",
        Severity::NotChecked => "#4a4f8c",
        Severity::Fine => "#1b6638",
    };
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='{colour}'/></svg>"
    );
    let svg = utf8_percent_encode(&svg, NON_ALPHANUMERIC);
    format!("data:image/svg+xml,{svg}")
}

/// Headers that forbid the page to load anything but its own icon and style, to run scripts, and to be framed. Connections
/// to the exporter itself do no harm without scripts, and let browsers' audits read `/robots.txt`.
pub(in crate::web) fn security_headers() -> [(HeaderName, String); 5] {
    let style = BASE64_STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; connect-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
    ]
}

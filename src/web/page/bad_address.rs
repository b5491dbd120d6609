//! The page of an address that names what cannot exist.

use maud::html;

use super::layout::Document;
use super::site::Site;
use crate::verdict::Severity;
use crate::web::api::BadQuery;

/// Renders the page.
pub(super) fn html(error: &BadQuery, site: Site) -> String {
    let main = html! {
        nav.path aria-label="Path" { a href=(site.url("/")) { "All profiles" } }
        article #error tabindex="-1" {
            h1 { "This address cannot be answered" }
            p { bdi { (error) } "." }
        }
    };
    let document = Document {
        title: "Address not understood".to_owned(),
        severity: Severity::NotChecked,
        skip_to: ("error", "the reason"),
        main,
        footer: html! {},
    };
    document.render(&site)
}

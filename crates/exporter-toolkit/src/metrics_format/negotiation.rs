//! Negotiation of the format by `Accept` (RFC 9110, section 12.5.1).

use std::cmp::Reverse;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use super::Format;
use crate::preferences::{Preference, preferences, split_once};

/// How a media range names a format. The most specific range decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    /// `*/*`
    Any,
    /// The type, such as `text/*`.
    Type,
    /// Type and subtype.
    Subtype,
    /// Type, subtype and version.
    Version,
}

/// The best match of a format so far. Of equally specific ranges the one with more weight counts, then the first.
type Match = (Specificity, u16, Reverse<usize>);

/// The format for a request with these headers: the one with the greater weight in `Accept`, or else the one that the
/// client lists first. It is the text format if `Accept` names neither or is malformed.
///
/// A version that is not one of [`Format`] names no format. All other parameters, such as `escaping` and `charset`, are
/// accepted and make no difference: names of metrics and labels need no escaping, and all text is UTF-8.
pub fn accepted(headers: &HeaderMap) -> Format {
    let (mut text, mut open_metrics) = (None, None);
    for (position, range) in preferences(headers, &ACCEPT).enumerate() {
        let Some(weight) = range.weight() else {
            continue;
        };
        for (format, best) in [
            (Format::Text, &mut text),
            (Format::OpenMetrics, &mut open_metrics),
        ] {
            let found = specificity(&range, format);
            let found: Option<Match> = found.map(|found| (found, weight, Reverse(position)));
            *best = found.max(*best);
        }
    }
    // A weight of 0 refuses the format.
    let rank = |best: Option<Match>| {
        let (_, weight, position) = best?;
        (weight > 0).then_some((weight, position))
    };
    match rank(open_metrics) > rank(text) {
        true => Format::OpenMetrics,
        false => Format::Text,
    }
}

fn specificity(range: &Preference<'_>, format: Format) -> Option<Specificity> {
    let (kind, subtype, version): (&[u8], &[u8], &[u8]) = match format {
        Format::Text => (b"text", b"plain", b"0.0.4"),
        Format::OpenMetrics => (b"application", b"openmetrics-text", b"1.0.0"),
    };
    match split_once(range.value, b'/')? {
        (b"*", b"*") => Some(Specificity::Any),
        (found, _) if !found.eq_ignore_ascii_case(kind) => None,
        (_, b"*") => Some(Specificity::Type),
        (_, found) if !found.eq_ignore_ascii_case(subtype) => None,
        _ => match range.parameter("version") {
            None => Some(Specificity::Subtype),
            Some(found) if found == version => Some(Specificity::Version),
            Some(_) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(lists: &[&str]) -> Format {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(ACCEPT, list.parse().expect("a header"));
        }
        accepted(&headers)
    }

    /// The headers that Prometheus sends, and those of other clients.
    #[test]
    fn clients_get_the_format_that_they_prefer() {
        use Format::{OpenMetrics, Text};
        for (list, format) in [
            // Prometheus 2.42
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            // Earlier versions of Prometheus 2, which know only a draft of OpenMetrics
            (
                "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Text,
            ),
            // Prometheus 3.5
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            // Prometheus 3.5 that ingests times of creation
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=underscores;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus 3 that prefers the text format
            (
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2",
                Text,
            ),
            // A browser
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
                Text,
            ),
            ("*/*", Text),
        ] {
            assert_eq!(chosen(&[list]), format, "{list}");
        }
        assert_eq!(chosen(&[]), Text);
    }

    #[test]
    fn open_metrics_is_chosen_only_if_it_weighs_more() {
        for list in [
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0",
            "APPLICATION/OpenMetrics-Text ; Version = \"1.0.0\" ; Q=0.5, text/plain;q=0.4",
            "application/openmetrics-text;version=1.0.0;charset=utf-8;escaping=values",
            "application/openmetrics-text;escaping=unheard-of",
            "application/openmetrics-text;q=0.001",
            "application/openmetrics-text, text/plain",
            "application/openmetrics-text, */*",
            "text/plain;q=0.5, application/openmetrics-text;q=0.501",
            "text/plain;version=0.0.4;q=0.2, application/openmetrics-text;version=1.0.0;q=0.3",
            "application/*",
            "application/openmetrics-text;version=2.0.0, application/openmetrics-text;q=0.1",
            // Text is refused, so the wildcard names the other format.
            "text/plain;q=0, */*",
            "text/*;q=0, */*;q=0.1",
            "text/plain;version=1.0.0, */*;q=0.1, application/openmetrics-text;q=0.2",
            // Malformed entries do not count, the others do.
            "text, ;;, /, application/openmetrics-text",
            "text/plain;q=high, application/openmetrics-text;q=0.1",
            "\u{e9}, application/openmetrics-text",
        ] {
            assert_eq!(chosen(&[list]), Format::OpenMetrics, "{list}");
        }
    }

    #[test]
    fn text_is_chosen_otherwise() {
        for list in [
            "",
            "text/plain",
            "text/*",
            "text/plain, application/openmetrics-text",
            "*/*, application/openmetrics-text",
            "text/plain;q=0.5, application/openmetrics-text;q=0.5",
            // The more specific range decides the weight.
            "application/openmetrics-text;q=0.1, application/*, */*;q=0.2",
            "application/openmetrics-text;version=1.0.0;q=0.1, application/openmetrics-text, text/plain;q=0.2",
            "application/openmetrics-text;version=1.0.0;q=0.5, */*",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.000, text/plain;q=0.001",
            "text/plain;q=0, application/openmetrics-text;q=0",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;version=2.0.0, text/plain;version=1.0.0",
            "application/openmetrics-text+gzip",
            "application/json",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;q=",
            "application/openmetrics-text/",
            "application",
            "*",
            ",;,=;\"",
        ] {
            assert_eq!(chosen(&[list]), Format::Text, "{list}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let lists = ["text/plain;q=0.5", "application/openmetrics-text"];
        assert_eq!(chosen(&lists), Format::OpenMetrics);
        let lists = ["text/plain", "application/openmetrics-text"];
        assert_eq!(chosen(&lists), Format::Text);
    }
}

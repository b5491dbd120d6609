//! Classifies errors of the HTTP client by their causes.

use std::io::ErrorKind;

use reqwest::Url;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};

use super::error::GatewayError;
use super::invalid::InvalidResponse;
use super::proxy::ProxyUrl;
use super::resolver::LookupError;
use exporter_toolkit::error_chain::{find_cause, root_cause, root_io_kind};
use exporter_toolkit::tls::{is_certificate_of_a_ca, tls_error_text};

/// Whether an established connection ended before the head of the response: the peer closed it, perhaps without TLS
/// close_notify or while the request was on its way, or the kernel gave it up because the peer acknowledged nothing.
pub(super) fn ended_before_response(error: &reqwest::Error) -> bool {
    let is_broken = matches!(
        root_io_kind(error),
        Some(
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::BrokenPipe
                | ErrorKind::TimedOut
        )
    );
    let is_incomplete =
        find_cause::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message);
    !error.is_connect() && (is_broken || is_incomplete)
}

/// The text with which the HTTP client reports that a proxy answers 407 to a request for a tunnel. It has no type for it.
const TUNNEL_NEEDS_CREDENTIALS: &str = "proxy authorization required";

/// Converts an error of the HTTP client, whose requests go to addresses below `base`, through this proxy. Timeouts are
/// checked first, because a timeout while reading the body is reported as a decoding error, too.
pub(super) fn classify(
    error: reqwest::Error,
    base: &Url,
    proxy: Option<&ProxyUrl>,
) -> GatewayError {
    let error = error.without_url();
    if let Some(error @ LookupError::TooLong(_)) = find_cause(&error) {
        return GatewayError::Unreached(error.to_string());
    }
    if error.is_timeout() {
        return GatewayError::Unreached(root_cause(&error));
    }
    if let Some(tls) = find_cause::<rustls::Error>(&error) {
        return GatewayError::Tls {
            cause: tls_error_text(tls),
            advice: tls_advice(tls),
        };
    }
    if error.is_connect() && root_io_kind(&error) == Some(ErrorKind::UnexpectedEof) {
        // While connecting, only a TLS handshake can end with this error.
        return GatewayError::Tls {
            cause: "the handshake breaks off".to_owned(),
            advice: CHECK_URL_AND_PROXY,
        };
    }
    if error.is_body() || error.is_decode() {
        return InvalidResponse::Body.into();
    }
    if find_cause::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse) {
        return InvalidResponse::NotHttp.into();
    }
    let cause = root_cause(&error);
    match proxy {
        None if base.scheme() == "http" && ended_before_response(&error) => {
            GatewayError::EndedInClear(cause)
        }
        None => GatewayError::Connect(cause),
        Some(proxy) if cause.ends_with(TUNNEL_NEEDS_CREDENTIALS) => {
            GatewayError::ProxyCredentials {
                given_by: proxy.given_by(),
            }
        }
        Some(proxy) => GatewayError::Proxy {
            proxy: proxy.to_string(),
            given_by: proxy.given_by(),
            cause,
        },
    }
}

/// What an operator can do if the server is perhaps not the gateway.
pub(super) const CHECK_URL_AND_PROXY: &str =
    "Check scheme, host and port in gateway.url (--qlara.url), and proxies in between.";

/// What an operator can do about an error of TLS.
fn tls_advice(error: &rustls::Error) -> &'static str {
    use rustls::Error::{
        AlertReceived, FailedToGetCurrentTime, InvalidCertificate, InvalidMessage,
        PeerIncompatible as Incompatible,
    };
    match error {
        InvalidCertificate(error) => certificate_advice(error),
        // In most cases this is an answer in plain HTTP.
        InvalidMessage(_) => {
            "Check scheme and port in gateway.url (--qlara.url): the server there does not speak TLS."
        }
        AlertReceived(AlertDescription::CertificateRequired) => {
            "The server asks for a client certificate, and the exporter has none to show. Check host and port in \
             gateway.url (--qlara.url), or ask the gateway's support for access without one."
        }
        AlertReceived(AlertDescription::ProtocolVersion)
        | Incompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => {
            "The server has to speak TLS 1.2 or 1.3, older versions are not safe. Check host and port in gateway.url \
             (--qlara.url), and proxies in between."
        }
        FailedToGetCurrentTime => "Check the clock of this machine.",
        _ => CHECK_URL_AND_PROXY,
    }
}

fn certificate_advice(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer => {
            "If it belongs to a CA of your own, or to a proxy that inspects TLS, name the file with the CA's \
             certificate in gateway.tls_config.ca_file."
        }
        error if is_certificate_of_a_ca(error) => {
            "If it is the gateway's own, self-signed certificate, name the file with it in \
             gateway.tls_config.ca_file."
        }
        CertificateError::BadSignature => {
            "If its CA is your own and has a new key, name the file with the CA's new certificate in \
             gateway.tls_config.ca_file."
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "Check the clock of this machine. If it is right, the server needs another certificate."
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "Check the host in gateway.url (--qlara.url)."
        }
        // A key, an algorithm, a purpose or an encoding that nobody can trust.
        _ => {
            "The server, or the proxy that inspects TLS, needs another certificate. Check also the host in \
             gateway.url (--qlara.url)."
        }
    }
}

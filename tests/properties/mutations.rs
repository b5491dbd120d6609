//! Damaged configurations are loaded or rejected. Nothing panics, and no error repeats a secret.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::cases;
use crate::any_bytes::files::Folder;

/// Every place in which a user could put a secret.
const CONFIGURATION: &str = "\
gateway:
  url: https://gateway.example/prefix
  proxy_url: http://proxy:8f14e45fceea167a5a36dedd4bea2543@proxy.example:3128
  timeout: 5s
  fields: {id: socialId, name: profile.name}
cache: {ttl: 2m, max_stale: 1h}
limits:
  profiles: 7
phone_number: mask
accounts:
- {name: one, api_key_file: key, expected: [{platform: facebook, profile: x}]}
- name: two
  api_key_env: KEY
  gateway: {url: https://other.example, proxy_url: http://proxy:8f14e45fceea167a5a36dedd4bea2543@proxy.example:3128}
- name: three
  basic_auth: {username: user, password_file: key}
";
const WEB_CONFIGURATION: &str = "\
tls_server_config:
  cert_file: cert.pem
  key: |
    -----BEGIN PRIVATE KEY-----
    8f14e45fceea167a5a36dedd4bea2543
    -----END PRIVATE KEY-----
  client_auth_type: NoClientCert
http_server_config: {http2: true, headers: {X-Frame-Options: deny}}
basic_auth_users:
  alice: $2y$04$8f14e45fceea167a5a36dedd4bea2543
  bob: '$2y$04$8f14e45fceea167a5a36dedd4bea2543'
rate_limit: {interval: 1s, burst: 5}
";
/// The separators between the parts of a file.
const SHARP: &[&str] = &[
    "", " ", "\n", "\n  ", ":", ": ", ",", "{", "}", "[", "]", "- ", "'", "\"", "|", "#", "&a ",
    "*a", "!x ", "\t", "\\", "%", "---\n", "? ", "@", "`", "\0", "\u{85}", "0", "null",
];

/// [spoilt-configuration]
#[test]
fn no_configuration_error_contains_a_secret() {
    let folder = Folder::default();
    let mut runner = TestRunner::new(Config {
        source_file: Some(file!()),
        ..cases(512)
    });
    let result = runner.run(&mutations(), |mutations| {
        folder.configuration(mutated(CONFIGURATION, &mutations).as_bytes());
        folder.web_configuration(mutated(WEB_CONFIGURATION, &mutations).as_bytes());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// A replacement of a piece of text: position, length, new text.
#[derive(Debug, Clone)]
struct Mutation {
    start: prop::sample::Index,
    length: usize,
    by: &'static str,
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let length = prop_oneof![Just(0_usize), 1..3_usize, 3..40_usize];
    let mutation = (
        any::<prop::sample::Index>(),
        length,
        prop::sample::select(SHARP),
    );
    let mutation = mutation.prop_map(|(start, length, by)| Mutation { start, length, by });
    vec(mutation, 1..4)
}

fn mutated(text: &str, mutations: &[Mutation]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for Mutation { start, length, by } in mutations {
        let start = start.index(chars.len().max(1)).min(chars.len());
        let end = (start + length).min(chars.len());
        chars.splice(start..end, by.chars());
    }
    chars.into_iter().collect()
}

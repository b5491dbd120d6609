//! The proxy to the gateway: from the configuration file, or from the environment with curl's semantics.

use std::process::Command;

use qlara_exporter::config::{Config, Settings};
use tempfile::TempDir;
use tracing::Level;

use crate::gateway_client::failures;
use crate::harness::fault_proxy::FaultProxy;
use crate::harness::listener::{Recorder, http_response};
use crate::harness::log::Log;
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run};
use crate::harness::proxy::ForwardProxy;
use crate::harness::{API_KEY, Setup, Stack, eventually};

/// A gateway host name that only the proxy can resolve.
const GATEWAY: &str = "http://gateway.invalid/api/v1/partner-gateway";
const CONNECT: &str = r#"{endpoint="socials",reason="connect"}"#;
const ALLOW_HTTP: &str = "gateway: {allow_http: true}";

/// The proxy of a gateway for this environment and file: its URL and its source.
fn proxy_for(url: &str, variables: &[(&str, &str)], yaml: &str) -> Result<String, String> {
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(&file, yaml).expect("a file");
    let settings = Settings {
        file: Some(file),
        url: Some(url.to_owned()),
        ..Settings::default()
    };
    let environment = |name: &str| {
        let mut all = [("QLARA_API_KEY", API_KEY)]
            .into_iter()
            .chain(variables.iter().copied());
        let found = all.find(|(known, _)| *known == name);
        found.map(|(_, value)| value.to_owned())
    };
    let config = Config::load(&settings, &environment).map_err(|error| error.to_string())?;
    let proxy = &config.accounts[0].gateway.transport.proxy;
    Ok(proxy.as_ref().map_or_else(
        || "directly".to_owned(),
        |proxy| format!("{proxy} by {}", proxy.given_by()),
    ))
}

#[test]
fn variables_are_interpreted_as_by_curl() {
    const UPPER: (&str, &str) = ("HTTPS_PROXY", "http://upper.example:1");
    const LOWER: (&str, &str) = ("https_proxy", "http://lower.example:2");
    const ALL: (&str, &str) = ("ALL_PROXY", "http://all.example:3");
    const LOWER_ALL: (&str, &str) = ("all_proxy", "http://lower-all.example:4");
    const HTTP: (&str, &str) = ("http_proxy", "http://http.example:5");
    const CGI: (&str, &str) = ("HTTP_PROXY", "http://cgi.example:6");
    let https = "https://gateway.example/";
    let http = "http://gateway.example/";
    for (url, variables, expected) in [
        (https, vec![], "directly"),
        (https, vec![UPPER], "http://upper.example:1 by HTTPS_PROXY"),
        (
            https,
            vec![UPPER, LOWER],
            "http://lower.example:2 by https_proxy",
        ),
        (https, vec![ALL], "http://all.example:3 by ALL_PROXY"),
        (
            https,
            vec![ALL, LOWER_ALL],
            "http://lower-all.example:4 by all_proxy",
        ),
        (
            https,
            vec![ALL, UPPER],
            "http://upper.example:1 by HTTPS_PROXY",
        ),
        (
            https,
            vec![("https_proxy", ""), UPPER],
            "http://upper.example:1 by HTTPS_PROXY",
        ),
        (https, vec![("HTTPS_PROXY", "")], "directly"),
        (https, vec![HTTP, CGI], "directly"),
        (http, vec![HTTP, ALL], "http://http.example:5 by http_proxy"),
        (http, vec![ALL], "http://all.example:3 by ALL_PROXY"),
        // In CGI programs, clients control this variable.
        (http, vec![CGI], "directly"),
        (http, vec![UPPER, LOWER], "directly"),
        (
            https,
            vec![("HTTPS_PROXY", "bare.example:7")],
            "http://bare.example:7 by HTTPS_PROXY",
        ),
        (
            https,
            vec![("HTTPS_PROXY", "u:p@bare.example:7")],
            "http://bare.example:7 by HTTPS_PROXY",
        ),
        (
            https,
            vec![("HTTPS_PROXY", "https://tls.example")],
            "https://tls.example:443 by HTTPS_PROXY",
        ),
        (
            https,
            vec![("ALL_PROXY", "socks5h://u:p@socks.example")],
            "socks5h://socks.example:1080 by ALL_PROXY",
        ),
        (
            https,
            vec![("ALL_PROXY", "socks4://[::1]:9")],
            "socks4://[::1]:9 by ALL_PROXY",
        ),
        // The form that GNOME sets.
        (
            https,
            vec![("all_proxy", "socks://socks.example:9/")],
            "socks4://socks.example:9 by all_proxy",
        ),
    ] {
        assert_eq!(
            proxy_for(url, &variables, ALLOW_HTTP).as_deref(),
            Ok(expected),
            "{url} {variables:?}"
        );
    }
}

#[test]
fn configuration_file_wins_over_the_environment() {
    let variables = [
        ("HTTPS_PROXY", "http://variable.example:1"),
        ("NO_PROXY", "*"),
    ];
    let yaml = "gateway: {proxy_url: 'http://file.example:2'}";
    assert_eq!(
        proxy_for("https://gateway.example/", &variables, yaml).as_deref(),
        Ok("http://file.example:2 by gateway.proxy_url")
    );
}

#[test]
fn hosts_in_no_proxy_bypass_the_proxy() {
    for (host, list, is_exception) in [
        ("gateway.example", "gateway.example", true),
        ("gateway.example", "GATEWAY.Example", true),
        ("gateway.example", ".gateway.example", true),
        ("gateway.example", "gateway.example.", true),
        ("gateway.example.", "gateway.example", true),
        ("api.gateway.example", "gateway.example", true),
        ("api.gateway.example", ".gateway.example", true),
        ("gateway.example", "example", true),
        ("gateway.example", "other.example,\tgateway.example", true),
        ("gateway.example", "other.example gateway.example", true),
        ("gateway.example", "*", true),
        ("192.0.2.7", "*", true),
        ("[2001:db8::7]", "*", true),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.0/24", true),
        ("[2001:db8::7]", "2001:db8::7", true),
        ("[2001:db8::7]", "[2001:db8::7]", true),
        ("[2001:db8::7]", "2001:db8::/32", true),
        ("mygateway.example", "gateway.example", false),
        ("gateway.example.org", "gateway.example", false),
        ("gateway.example", "api.gateway.example", false),
        ("gateway.example", "*.example.org", false),
        // `*` means all hosts only if it is alone.
        ("gateway.example", " * ", false),
        ("gateway.example", "other.example, *", false),
        ("gateway.example", "*,other.example", false),
        ("gateway.example", "*,gateway.example", true),
        // Non-ASCII host names in either form.
        ("bücher.example", "bücher.example", true),
        ("bücher.example", "BÜCHER.example", true),
        ("bücher.example", ".bücher.example", true),
        ("bücher.example", "xn--bcher-kva.example", true),
        ("xn--bcher-kva.example", "bücher.example", true),
        ("api.bücher.example", "other.example, bücher.example.", true),
        ("bücher.example", "bucher.example", false),
        ("bücher.example", "api.bücher.example", false),
        ("bücher.example", "ü ß:1 [ü", false),
        ("gateway.example", ",, ,", false),
        ("gateway.example", "", false),
        ("192.0.2.7", "192.0.3.0/24", false),
        ("192.0.2.7", "2.7", false),
        ("[2001:db8::7]", "2001:db9::/32", false),
    ] {
        for variable in ["NO_PROXY", "no_proxy"] {
            let variables = [("ALL_PROXY", "http://proxy.example:1"), (variable, list)];
            let expected = match is_exception {
                true => "directly",
                false => "http://proxy.example:1 by ALL_PROXY",
            };
            let found = proxy_for(&format!("https://{host}/"), &variables, "{}");
            assert_eq!(found.as_deref(), Ok(expected), "{host} {variable}={list}");
        }
    }
}

#[test]
fn invalid_variable_is_an_error_that_names_it() {
    const SCHEME: &str = "expected http:// or https://, or a SOCKS proxy by socks5h://, socks5://, socks4a://, socks4:// or socks://";
    const USER: &str =
        "the user of a SOCKS4 proxy cannot be sent: leave it out, or use socks5h:// or socks5://";
    let hint = "; NO_PROXY names the hosts that are asked directly";
    for (variable, value, expected) in [
        ("HTTPS_PROXY", "ftp://u:s3cret@proxy.example", SCHEME),
        ("https_proxy", "socks6://u:s3cret@proxy.example", SCHEME),
        ("https_proxy", "socks://s3cret@proxy.example", USER),
        ("ALL_PROXY", "socks4://u:s3cret@proxy.example", USER),
        ("ALL_PROXY", "socks4a://:s3cret@proxy.example:1080", USER),
        ("ALL_PROXY", "http://u:s3cret@", "not an absolute URL"),
        ("ALL_PROXY", "socks5://", "not the URL of a proxy"),
        (
            "all_proxy",
            "http://proxy.example:s3cret",
            "not an absolute URL",
        ),
    ] {
        let url = "https://gateway.example/";
        let expected = format!("{variable}: {expected}{hint}");
        assert_eq!(proxy_for(url, &[(variable, value)], "{}"), Err(expected));
        // The proxy needs no password.
        let exception = [(variable, value), ("NO_PROXY", "gateway.example")];
        assert_eq!(proxy_for(url, &exception, "{}").as_deref(), Ok("directly"));
    }
}

/// A proxy is another machine, even for a loopback address.
#[test]
fn key_in_clear_text_through_a_proxy_needs_allow_http() {
    let url = "http://127.0.0.1:10018/";
    let variable = [("http_proxy", "http://proxy.example:1")];
    assert_eq!(
        proxy_for(url, &variable, "{}"),
        Err("--qlara.url (QLARA_URL): http:// would send the key in clear through the proxy of http_proxy: use https://, name the host in NO_PROXY, or set gateway.allow_http to true in the configuration file".to_owned())
    );
    let exception = [variable[0], ("no_proxy", "127.0.0.0/8")];
    assert_eq!(proxy_for(url, &exception, "{}").as_deref(), Ok("directly"));
    assert_eq!(
        proxy_for(url, &variable, ALLOW_HTTP).as_deref(),
        Ok("http://proxy.example:1 by http_proxy")
    );
}

async fn started(url: &str, yaml: &str, variables: Vec<(&'static str, String)>) -> Stack {
    let setup = Setup {
        url: Some(url.to_owned()),
        variables,
        ..Setup::yaml(yaml)
    };
    setup.start().await
}

#[tokio::test]
async fn http_requests_use_the_proxy_of_the_environment() {
    let gateway = Stack::start().await;
    for (variable, before_host) in [
        ("http_proxy", "http://"),
        ("ALL_PROXY", ""),
        ("all_proxy", "http://user:proxy%2Dpassword@"),
    ] {
        // A client may open more connections than it uses, the last of them late.
        let proxy = ForwardProxy::start(gateway.gateway.address).await;
        let value = format!("{before_host}{}", proxy.address);
        let with_credentials = value.contains('@');
        let stack = started(GATEWAY, ALLOW_HTTP, vec![(variable, value)]).await;
        assert_eq!(stack.scrape().await.value("qlara_up"), 1.0, "{variable}");
        let asked = proxy.take_requests().remove(0);
        assert!(
            asked.starts_with(&format!("GET {GATEWAY}/socials HTTP/1.1\r\n")),
            "{asked}"
        );
        let authorized = asked.contains("Basic dXNlcjpwcm94eS1wYXNzd29yZA==");
        assert_eq!(authorized, with_credentials, "{asked}");
    }
}

#[tokio::test]
async fn socks_without_a_version_is_socks_4() {
    let gateway = Stack::start().await;
    let by_name = "http://gateway.invalid:81";
    let by_address = "http://192.0.2.7:81";
    for (scheme, url, expected) in [
        ("socks", by_address, "SOCKS4 192.0.2.7:81"),
        ("socks4", by_address, "SOCKS4 192.0.2.7:81"),
        ("socks4a", by_name, "SOCKS4 gateway.invalid:81"),
    ] {
        let proxy = ForwardProxy::start(gateway.gateway.address).await;
        let url = format!("{url}{}", gateway_simulator::PREFIX);
        let variable = vec![("ALL_PROXY", format!("{scheme}://{}", proxy.address))];
        let stack = started(&url, ALLOW_HTTP, variable).await;
        assert_eq!(stack.scrape().await.value("qlara_up"), 1.0, "{scheme}");
        assert_eq!(proxy.take_requests()[0], expected);
    }
}

/// The error is not about the gateway, whose address is right.
/// [proxy-credentials]
#[tokio::test]
async fn proxy_that_requires_credentials_is_named() {
    let proxy =
        Recorder::start(|_| http_response("407 Proxy Authentication Required", "", "")).await;
    let by_variable = vec![("http_proxy", format!("http://u:s3cret@{}", proxy.address))];
    let by_file = format!(
        "gateway: {{allow_http: true, proxy_url: 'http://{}'}}",
        proxy.address
    );
    for (yaml, variables, given_by) in [
        (ALLOW_HTTP, by_variable, "http_proxy"),
        (&by_file, Vec::new(), "gateway.proxy_url"),
    ] {
        let log = Log::collect(Level::WARN);
        let scrape = started(GATEWAY, yaml, variables).await.scrape().await;
        assert_eq!(failures(&scrape), [(CONNECT, 1.0)]);
        let text = log.take();
        let expected = format!(
            "the proxy asks for other credentials (HTTP 407): check user and password in {given_by}"
        );
        assert!(text.contains(&expected), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    // For a gateway with TLS, the proxy refuses the tunnel.
    let log = Log::collect(Level::WARN);
    let variable = vec![("https_proxy", format!("http://{}", proxy.address))];
    let stack = started("https://gateway.invalid", "{}", variable).await;
    assert_eq!(failures(&stack.scrape().await), [(CONNECT, 1.0)]);
    let text = log.take();
    let expected =
        "the proxy asks for other credentials (HTTP 407): check user and password in https_proxy";
    assert!(text.contains(expected), "{text}");
    // Without the proxy, the response is the gateway's own.
    let log = Log::collect(Level::WARN);
    let url = format!("http://{}", proxy.address);
    started(&url, ALLOW_HTTP, Vec::new()).await.scrape().await;
    let text = log.take();
    assert!(text.contains("the gateway answers HTTP 407"), "{text}");
}

/// The proxy of a gateway with TLS sees the destination, but no key.
#[tokio::test]
async fn https_requests_use_the_proxy_of_the_environment() {
    let gateway = Stack::start().await;
    let mut proxy = FaultProxy::over_tls();
    proxy.open(gateway.gateway.address).await;
    let (url, ca_file) = (proxy.url(), proxy.ca_file().expect("a file"));
    let yaml = format!(
        "gateway: {{tls_config: {{ca_file: '{}'}}}}",
        ca_file.display()
    );
    let authority = url.split('/').nth(2).expect("a host").to_owned();
    let server = authority.replace("localhost", "127.0.0.1");
    let server = server.parse().expect("an address");
    for (variable, scheme, expected) in [
        (
            "HTTPS_PROXY",
            "http",
            format!("CONNECT {authority} HTTP/1.1"),
        ),
        (
            "https_proxy",
            "http",
            format!("CONNECT {authority} HTTP/1.1"),
        ),
        ("ALL_PROXY", "http", format!("CONNECT {authority} HTTP/1.1")),
        ("ALL_PROXY", "socks5h", format!("SOCKS {authority}")),
        ("HTTPS_PROXY", "socks5h", format!("SOCKS {authority}")),
    ] {
        let proxy = ForwardProxy::start(server).await;
        let value = format!("{scheme}://{}", proxy.address);
        let stack = started(&url, &yaml, vec![(variable, value.clone())]).await;
        assert_eq!(
            stack.scrape().await.value("qlara_up"),
            1.0,
            "{variable}={value}"
        );
        let asked = proxy.take_requests();
        assert_eq!(asked[0].lines().next(), Some(expected.as_str()));
        assert!(!asked.concat().contains(API_KEY), "{asked:?}");

        let unused = ForwardProxy::start(server).await;
        let value = format!("{scheme}://{}", unused.address);
        let exception = vec![(variable, value), ("NO_PROXY", "localhost".to_owned())];
        let stack = started(&url, &yaml, exception).await;
        assert_eq!(stack.scrape().await.value("qlara_up"), 1.0, "{variable}");
        assert_eq!(unused.take_requests(), Vec::<String>::new(), "{variable}");
    }
}

#[tokio::test]
async fn unreachable_proxy_is_not_bypassed() {
    let gateway = Recorder::start(|_| http_response("200 OK", "", "[]")).await;
    let gone = Recorder::start_silent().await.address;
    let url = format!("http://{}", gateway.address);
    let variables = vec![("http_proxy", gone.to_string())];
    let scrape = started(&url, ALLOW_HTTP, variables).await.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 0.0);
    assert_eq!(gateway.requests(), Vec::<String>::new());
}

/// The error is about the proxy, and says where its address comes from.
/// [refused-proxy]
#[tokio::test]
async fn proxy_that_cannot_be_reached_or_refuses_is_named() {
    let closed = free_port();
    let refusing = Recorder::start(|_| http_response("403 Forbidden", "", "")).await;
    let refused = format!("127.0.0.1:{closed}");
    let tunnel = "https://gateway.invalid/";
    let no_host = "http://u:s3cret@proxy.invalid:3128";
    for (url, variable, proxy, shown) in [
        (
            GATEWAY,
            "http_proxy",
            format!("http://u:s3cret@{refused}"),
            format!("http://{refused}: "),
        ),
        (
            tunnel,
            "https_proxy",
            format!("http://u:s3cret@{refused}"),
            format!("http://{refused}: "),
        ),
        (
            tunnel,
            "ALL_PROXY",
            format!("socks5h://{refused}"),
            format!("socks5h://{refused}: "),
        ),
        (
            tunnel,
            "HTTPS_PROXY",
            format!("http://{}", refusing.address),
            format!("http://{}: ", refusing.address),
        ),
        (
            tunnel,
            "https_proxy",
            no_host.to_owned(),
            "http://proxy.invalid:3128: ".to_owned(),
        ),
    ] {
        let log = Log::collect(Level::WARN);
        let stack = started(url, ALLOW_HTTP, vec![(variable, proxy)]).await;
        assert_eq!(failures(&stack.scrape().await), [(CONNECT, 1.0)], "{shown}");
        let text = log.take();
        let expected = format!("cannot reach the gateway through the proxy {shown}");
        assert!(text.contains(&expected), "{text}");
        let advice = format!("; check the proxy, and its address in {variable}");
        assert!(text.contains(&advice), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    // Without a proxy, the error does not speak of one.
    let log = Log::collect(Level::WARN);
    started(&format!("http://{refused}"), "{}", Vec::new())
        .await
        .scrape()
        .await;
    let text = log.take();
    assert!(text.contains("cannot reach the gateway: "), "{text}");
    assert!(!text.contains("proxy"), "{text}");
}

#[tokio::test]
async fn startup_log_names_the_proxy() {
    let directly = r#"msg="Asks the gateway directly" gateway=http://127.0.0.1:1"#;
    let by_variable = r#"msg="Asks the gateway through a proxy" gateway=http://127.0.0.1:1 proxy=http://proxy.example:3128 given_by=ALL_PROXY"#;
    let by_file = r#"msg="Asks the gateway through a proxy" gateway=http://127.0.0.1:1 proxy=socks5h://proxy.example:1080 given_by=gateway.proxy_url"#;
    let with_proxy =
        "gateway: {allow_http: true, proxy_url: 'socks5h://user:s3cret@proxy.example'}";
    let variable = [("ALL_PROXY", "user:s3cret@proxy.example:3128")];
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("qlara.yml");
    for (yaml, variables, expected) in [
        (ALLOW_HTTP, [].as_slice(), directly),
        (ALLOW_HTTP, &variable, by_variable),
        (with_proxy, &variable, by_file),
    ] {
        std::fs::write(&file, yaml).expect("a file");
        let mut command = exporter();
        command.arg("--web.listen-address=127.0.0.1:0");
        command.arg(format!("--config.file={}", file.display()));
        command
            .env("QLARA_API_KEY", API_KEY)
            .envs(variables.iter().copied());
        let running = Running::start(command.env("QLARA_URL", "http://127.0.0.1:1"));
        let ways = |text: &str| {
            let lines = text
                .lines()
                .filter(|line| line.contains("Asks the gateway"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let text = eventually("a start", async || {
            Some(running.output()).filter(|text| text.contains("Listening on"))
        })
        .await;
        assert_eq!(ways(&text).len(), 1, "{text}");
        assert!(ways(&text)[0].ends_with(expected), "{text}");

        // A reload logs only changed routes.
        let reloaded = async |times: usize| {
            running.signal("HUP");
            eventually("a reload", async || {
                let text = running.output();
                let found = text.matches("Loaded the configuration again").count();
                (found == times).then_some(text)
            })
            .await
        };
        assert_eq!(ways(&reloaded(1).await).len(), 1);
        let new = "gateway: {proxy_url: 'http://user:s3cret@new.example:1', allow_http: true}";
        std::fs::write(&file, new).expect("a file");
        let text = reloaded(2).await;
        let new = "proxy=http://new.example:1 given_by=gateway.proxy_url";
        assert!(ways(&text)[1].ends_with(new), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}

/// The program reads the variables for serving, `check` and `explain`. `demo` and `healthcheck` only contact this
/// machine.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_uses_the_proxy_of_the_environment() {
    let gateway = Stack::start().await;
    let proxy = ForwardProxy::start(gateway.gateway.address).await;
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(&file, ALLOW_HTTP).expect("a file");
    let with_environment = |mut command: Command| {
        command.env("ALL_PROXY", format!("http://{}", proxy.address));
        command
            .env("QLARA_URL", GATEWAY)
            .env("QLARA_API_KEY", API_KEY);
        command.env("QLARA_CONFIG_FILE", &file);
        command
    };
    for arguments in [["check"], ["explain"]] {
        let mut command = with_environment(exporter());
        let (code, output, error) = run(command.args(arguments));
        assert_ne!(code, 3, "{output}{error}");
        assert!(proxy.take_requests()[0].starts_with(&format!("GET {GATEWAY}/socials ")));
    }
    let mut command = with_environment(exporter());
    let demo = Running::start(command.args(["demo", "--web.listen-address=127.0.0.1:0"]));
    let listening = eventually("an address", async || {
        let output = demo.output();
        let (_, rest) = output.split_once("the metrics:\n\n    http://")?;
        Some(format!("http://{}", rest.split('/').next()?))
    })
    .await;
    let metrics = crate::harness::http().get(format!("{listening}/metrics"));
    let text = metrics.send().await.expect("a response").text().await;
    assert!(text.expect("a text").contains("\nqlara_up 1\n"));
    assert_eq!(proxy.take_requests(), Vec::<String>::new());
}

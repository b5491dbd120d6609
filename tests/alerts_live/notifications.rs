//! What people read: the notifications in Slack, e-mails and webhooks as they arrive, compared with the files in
//! `docs/notifications/`. `UPDATE_GOLDEN=1` writes these files.

use chrono::{TimeDelta, Utc};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::*;

/// A mail server for Alertmanager that records each e-mail as a message of the receiver `email`.
async fn mail_sink(messages: Messages) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(receive_mail(stream, Arc::clone(&messages)));
        }
    });
    address
}

async fn receive_mail(mut stream: TcpStream, messages: Messages) -> std::io::Result<()> {
    let (input, mut output) = stream.split();
    let mut lines = BufReader::new(input).lines();
    output.write_all(b"220 ready\r\n").await?;
    while let Some(command) = lines.next_line().await? {
        let answer = match command.as_str() {
            "QUIT" => break,
            "DATA" => {
                output.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    // The client doubles a dot at the beginning of a line.
                    mail += line.strip_prefix('.').unwrap_or(&line);
                    mail += "\n";
                }
                messages.lock().push(("email".to_owned(), email(&mail)));
                "250 received\r\n"
            }
            _ => "250 ok\r\n",
        };
        output.write_all(answer.as_bytes()).await?;
    }
    output.write_all(b"221 bye\r\n").await
}

/// Recipient, subject and text of an e-mail.
fn email(mail: &str) -> Value {
    let (headers, body) = mail.split_once("\n\n").expect("a body");
    let header = |name: &str| {
        let value = headers.lines().find_map(|line| line.strip_prefix(name));
        value.expect("a header")
    };
    let words = header("Subject: ").replace("?= =?utf-8?q?", "");
    let subject = match words.strip_prefix("=?utf-8?q?") {
        Some(encoded) => unquoted(&encoded.trim_end_matches("?=").replace('_', " ")),
        None => words,
    };
    // The only part of the body.
    let (_, part) = body.split_once("\n\n").expect("a part");
    let (text, _) = part.split_once("\n--").expect("an end");
    json!({"to": header("To: "), "subject": subject, "text": unquoted(&text.replace("=\n", ""))})
}

/// Decodes quoted-printable text without soft line breaks.
fn unquoted(text: &str) -> String {
    let percents = text.replace('%', "=25").replace('=', "%");
    let decoded = percent_decode_str(&percents).decode_utf8();
    decoded.expect("UTF-8").into_owned()
}

/// Alertmanager that sends everything to a sink.
struct Inbox {
    messages: Messages,
    alertmanager: String,
    _running: Running,
    _folder: TempDir,
}

impl Inbox {
    async fn open() -> Inbox {
        let folder = TempDir::new().expect("a folder");
        let (sink, messages) = message_sink().await;
        let mut configuration = quick_configuration(&sink);
        configuration["global"]["smtp_smarthost"] = json!(mail_sink(Arc::clone(&messages)).await);
        configuration["global"]["smtp_require_tls"] = json!(false);
        let original = yaml(&repository("alerts/alertmanager.yml"));
        let originals = original["receivers"].as_array().expect("receivers");
        let receivers = configuration["receivers"].as_array_mut();
        for (receiver, original) in receivers.expect("receivers").iter_mut().zip(originals) {
            if original["email_configs"].is_array() {
                receiver["email_configs"] = original["email_configs"].clone();
            }
        }
        let (running, alertmanager) = launch_alertmanager(folder.path(), &configuration);
        Inbox {
            messages,
            alertmanager,
            _running: running,
            _folder: folder,
        }
    }

    /// The first message to this receiver that contains a text.
    async fn message(&self, receiver: &str, part: &str) -> Value {
        eventually(&format!("{receiver}: {part}"), async || {
            let messages = self.messages.lock();
            let mut own = messages.iter().filter(|(name, _)| name == receiver);
            own.find(|(_, message)| message.to_string().contains(part))
                .map(|(_, message)| message.clone())
        })
        .await
    }

    /// The first Slack message with this in its title, as a reader sees it.
    async fn slack(&self, title: &str) -> String {
        let message = self.message("slack", title).await;
        let (channel, attachment) = (&message["channel"], &message["attachments"][0]);
        let field = |name: &str| attachment[name].as_str().expect("a text");
        let text = format!(
            "To: {}\nTitle: {}\nLink of the title: {}\n\n{}",
            channel.as_str().expect("a channel"),
            field("title"),
            field("title_link"),
            field("text")
        );
        with_fixed_times(&text)
    }

    /// The first e-mail with this in its subject, as a reader sees it.
    async fn email(&self, subject: &str) -> String {
        let message = self.message("email", subject).await;
        let field = |name: &str| message[name].as_str().expect("a text");
        let text = format!(
            "To: {}\nSubject: {}\n\n{}",
            field("to"),
            field("subject"),
            field("text")
        );
        with_fixed_times(&text)
    }

    /// The alerts that a silence would cover if somebody opened this link and created it.
    async fn alerts_of_silence(&self, link: &str) -> Vec<Value> {
        let (_, filter) = link.split_once("#/silences/new?filter=").expect("a filter");
        let filter = percent_decode_str(filter).decode_utf8().expect("UTF-8");
        let matchers = filter
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix("\"}"));
        let matchers = matchers.expect("braces").split("\",");
        let matchers: Vec<String> = matchers.map(|matcher| format!("{matcher}\"")).collect();
        let url = format!("http://{}/api/v2/alerts", self.alertmanager);
        let filters = matchers.iter().map(|matcher| ("filter", matcher));
        let url = reqwest::Url::parse_with_params(&url, filters).expect("a URL");
        let answer = http().get(url).send().await.expect("an answer");
        let text = answer.text().await.expect("a text");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Replaces the times and durations that depend on the time of the test.
fn with_fixed_times(text: &str) -> String {
    let mut text = text.to_owned();
    for (before, after, fixed) in [
        ("  Since ", "\n", "Fri 10 Apr 2026, 14:05 CEST"),
        (" expired on ", ": messages", "Fri 10 Apr 2026, 14:00 CEST"),
        (" expires on ", ", in ", "Fri 10 Apr 2026, 20:00 CEST"),
        (", in ", ": messages", "5h 59m"),
        (" disconnected for ", ": its connection", "10m"),
    ] {
        let mut parts = text.split(before);
        let mut replaced = parts.next().expect("a text").to_owned();
        for part in parts {
            let (old, rest) = part.split_once(after).expect("an end");
            let in_zone = old.ends_with(" CET") || old.ends_with(" CEST");
            assert_eq!(in_zone, fixed.ends_with(" CEST"), "{old}");
            replaced += &[before, fixed, after, rest].concat();
        }
        text = replaced;
    }
    text
}

fn matches_golden_file(name: &str, text: &str) {
    let file = repository("docs/notifications").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, text).expect("a file");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        text, golden,
        "{name}; set UPDATE_GOLDEN=1 to replace it:\n{text}"
    );
}

/// A profile whose access expires in some hours, or has expired.
fn profile_until(hours: i64, platform: &str, id: &str, name: &str, status: &str) -> Value {
    let expiry = Utc::now() + TimeDelta::hours(hours);
    json!({"platform": platform, "profileId": id, "name": name, "status": status,
        "tokenExpiresAt": expiry.to_rfc3339(), "connectedAt": "2026-01-01T00:00:00Z"})
}

/// A profile that cannot send.
fn failing(platform: &str, id: &str, name: &str, status: &str) -> Value {
    profile_until(-1, platform, id, name, status)
}

/// Names that try to mention a channel, to forge a line or to confuse a reader.
fn unusual_names() -> Vec<Value> {
    let long = "long name ".repeat(30);
    let names = [
        "<!channel> <https://example.org|click> & <b>Co</b> &lt;!here&gt;",
        "Zoë's \"Bar\" \\ 🍕 {{ .Labels }} 100%",
        "Line\nbreak\r\n- Solved: everything",
        "Bell\u{7} and \u{1b}[31mred\u{1b}[0m",
        "\u{202e}gnp.exe\u{202c} and \u{2066}more\u{2069}",
        &long,
    ];
    let numbered = names.iter().enumerate();
    numbered
        .map(|(number, name)| failing("linkedin", &format!("li_{number}"), name, "TOKEN_EXPIRED"))
        .collect()
}

/// The status page in this e-mail, at the address of the exporter, is the page of the profile with this name.
async fn assert_status_link_opens(email: &str, exporter: &str, name: &str) {
    let link = email
        .lines()
        .find_map(|line| line.strip_prefix("Status page: https://qlara-exporter.example.com"));
    let url = format!("http://{exporter}{}", link.expect("a link"));
    let answer = http().get(&url).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{url}");
    let page = answer.text().await.expect("a text");
    assert!(page.contains(&format!("<h1><bdi>{name}</bdi>")), "{url}");
}

#[tokio::test]
async fn notifications_are_those_in_the_documentation() {
    needs!("prometheus-alertmanager", "prometheus");
    let gateway = system_gateway().await;
    let mut profiles = unusual_names();
    profiles.push(failing("whatsapp", "wa_1", "Hotline", "DISCONNECTED"));
    profiles.extend((1..=25).map(|number| {
        let id = format!("ig_{number:02}");
        failing("instagram", &id, &format!("Shop {number}"), "TOKEN_EXPIRED")
    }));
    profiles.push(profile_until(6, "tiktok", "tt_1", "Clips", "CONNECTED"));
    let hostile = "a b&id=c+d%20/?#ü🍕";
    profiles.push(failing("google", hostile, "Bar", "TOKEN_EXPIRED"));
    let with_shop = |hours: i64, status: &str| {
        let shop = profile_until(hours, "facebook", "fb 1/\"ü\"", "Shop Zoë", status);
        json!([vec![shop], profiles.clone()].concat())
    };
    gateway.profiles(&with_shop(-1, "TOKEN_EXPIRED")).await;
    let target = format!("127.0.0.1:{}", free_port());
    let _exporter = start_exporter(&gateway, &target);
    let inbox = Inbox::open().await;
    let jobs: [(&str, &[&str]); 1] = [("qlara", &[&target])];
    let _prometheus = Prometheus::with_jobs(&jobs, &quick_rules(), &[&inbox.alertmanager]);

    for (title, name) in [
        ("[Act now] Facebook: Qlara's access", "token-expired"),
        ("[Act now] TikTok: Qlara's access", "token-expiring"),
        ("[Act now] 25 × Instagram: Qlara's access", "many-profiles"),
        ("[Act now] 6 × LinkedIn: Qlara's access", "unusual-names"),
    ] {
        matches_golden_file(&format!("{name}.slack.txt"), &inbox.slack(title).await);
        matches_golden_file(&format!("{name}.email.txt"), &inbox.email(title).await);
    }
    let hotline = inbox
        .email("[Act now] WhatsApp: A profile is disconnected")
        .await;
    matches_golden_file("disconnected.email.txt", &hotline);

    let mut webhook = inbox.message("on-call", "Shop Zoë").await;
    for time in ["startsAt", "endsAt"] {
        webhook["alerts"][0][time] = json!("2026-04-10T12:05:00Z");
    }
    webhook["alerts"][0]["generatorURL"] = json!("https://prometheus.example.com/graph");
    let webhook = serde_json::to_string_pretty(&webhook).expect("JSON");
    let webhook = with_fixed_times(&format!("{webhook}\n"));
    matches_golden_file("token-expired.webhook.json", &webhook);

    let email = inbox.email("[Act now] Facebook: Qlara's access").await;
    assert_status_link_opens(&email, &target, "Shop Zoë").await;
    let hostile = inbox.email("[Act now] Google: Qlara's access").await;
    assert_status_link_opens(&hostile, &target, "Bar").await;

    let (_, link) = email.trim().rsplit_once(' ').expect("a link");
    let covered = inbox.alerts_of_silence(link).await;
    assert_eq!(covered.len(), 1, "{link}: {covered:?}");
    assert_eq!(covered[0]["labels"]["profile"], "fb 1/\"ü\"");

    gateway.profiles(&with_shop(1000, "CONNECTED")).await;
    let title = "[Solved] Messages through Shop Zoë";
    matches_golden_file("solved.slack.txt", &inbox.slack(title).await);
    matches_golden_file("solved.email.txt", &inbox.email(title).await);
}

//! The chart in `deploy/helm`, rendered by Helm with the values in `ci`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::{self, HELM, KUBERNETES, needs};
use crate::harness::{API_KEY, eventually, http};
use crate::kubernetes::{Resources, check, named, read, repository};
use crate::prometheus::system_gateway;

const CHART: &str = "deploy/helm/qlara-exporter";

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

fn chart_file(name: &str) -> String {
    read(&format!("{CHART}/{name}"))
}

fn schema() -> Value {
    serde_json::from_str(&chart_file("values.schema.json")).expect("JSON")
}

/// The values of the tests, by their names.
fn value_sets() -> BTreeMap<String, PathBuf> {
    let folder = std::fs::read_dir(repository(CHART).join("ci")).expect("a folder");
    let files = folder.map(|file| file.expect("a file").path());
    let named = files.map(|file| {
        let name = file.file_name().and_then(|name| name.to_str());
        let set = name.and_then(|name| name.strip_suffix("-values.yaml"));
        (set.expect("a set of values").to_owned(), file)
    });
    named.collect()
}

/// Exit code, output and error of `helm template RELEASE` with further arguments.
fn template(helm: &Path, release: &str, chart: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(helm);
    command.args(["template", release, "--namespace=qlara"]);
    run(command.arg(chart).args(arguments))
}

/// The objects of a release with a value set and further arguments.
fn render(helm: &Path, release: &str, set: &str, arguments: &[&str]) -> String {
    let file = &value_sets()[set];
    let values = ["--values", file.to_str().expect("UTF-8")];
    let arguments = [&values, arguments].concat();
    let (code, text, error) = template(helm, release, &repository(CHART), &arguments);
    assert_eq!(code, 0, "{set}: {error}");
    text
}

/// The release `qlara-exporter` with a value set, by the newest Helm.
fn release(set: &str) -> Resources {
    let helm = tools::helm().pop().expect("a Helm");
    Resources::parse(&render(&helm, "qlara-exporter", set, &[]))
}

/// The environment variables of a container without references.
fn environment(container: &Value) -> BTreeMap<&str, &str> {
    let variables = container["env"].as_array().expect("variables").iter();
    let pairs = variables.filter_map(|variable| {
        let name = variable["name"].as_str().expect("a name");
        Some((name, variable["value"].as_str()?))
    });
    pairs.collect()
}

#[test]
fn ten_value_sets_match_the_published_schemas_with_each_helm() {
    needs!(HELM, KUBERNETES);
    let sets = value_sets();
    assert_eq!(sets.len(), 10, "{:?}", sets.keys());
    let mut all = String::new();
    let mut resources = 0;
    for (set, file) in &sets {
        let texts = tools::helm().into_iter().map(|helm| {
            let mut lint = Command::new(&helm);
            lint.args(["lint", "--strict", "--values"]).arg(file);
            let (code, output, error) = run(lint.arg(repository(CHART)));
            assert_eq!(code, 0, "{set}: {output}{error}");
            render(&helm, set, set, &[])
        });
        let texts: Vec<String> = texts.collect();
        let parsed: Vec<_> = texts.iter().map(|text| Resources::parse(text).0).collect();
        assert!(parsed.windows(2).all(|two| two[0] == two[1]), "{set}");
        resources += parsed[0].len();
        all.push_str(&texts[0]);
    }
    let (code, output) = check(&all);
    assert_eq!(code, 0, "{output}");
    let good = output.lines().filter(|line| line.ends_with(": good"));
    assert_eq!(good.count(), resources, "{output}");
}

/// The resources of Kustomize and Helm without what only one of them adds: namespace, labels of the release, checksum and
/// hash of the configuration.
fn comparable(resources: Resources) -> BTreeMap<(String, String), Value> {
    let configuration = resources.volume("configuration")["configMap"]["name"].clone();
    let text = resources.configuration().to_owned();
    let resources = resources.0.into_iter().map(|((kind, _), mut resource)| {
        replace(&mut resource, &json!(text), &yaml(&text));
        replace(&mut resource, &configuration, &json!("qlara-exporter"));
        without_release(&mut resource);
        let metadata = resource["metadata"].as_object_mut().expect("metadata");
        metadata.remove("namespace");
        let labels = metadata["labels"].as_object_mut().expect("labels");
        if labels.contains_key("grafana_dashboard") {
            labels.remove("app.kubernetes.io/name");
        }
        let name = metadata["name"].as_str().expect("a name").to_owned();
        ((kind, name), resource)
    });
    resources.collect()
}

fn replace(value: &mut Value, old: &Value, new: &Value) {
    match value {
        _ if value == old => *value = new.clone(),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, old, new)),
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, old, new)),
        _ => {}
    }
}

fn without_release(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in ["instance", "version", "managed-by"] {
                map.remove(&format!("app.kubernetes.io/{key}"));
            }
            map.remove("helm.sh/chart");
            map.remove("checksum/config");
            map.values_mut().for_each(without_release);
            map.retain(|key, value| key != "annotations" || value != &json!({}));
        }
        Value::Array(list) => list.iter_mut().for_each(without_release),
        _ => {}
    }
}

/// Kustomize's rules and dashboards are those of the files: `kubernetes`.
#[test]
fn chart_renders_the_resources_of_the_base() {
    needs!(HELM, KUBERNETES);
    for (set, folder) in [
        ("default", "deploy/kubernetes/exporter"),
        ("monitoring", "deploy/kubernetes"),
    ] {
        let chart = comparable(release(set));
        let base = comparable(Resources::of(&repository(folder)));
        assert_eq!(
            chart.keys().collect::<Vec<_>>(),
            base.keys().collect::<Vec<_>>()
        );
        for (key, resource) in &base {
            assert!(&chart[key] == resource, "{key:?}: {:#}", chart[key]);
        }
    }
}

#[test]
fn documented_values_are_valid() {
    needs!(HELM, KUBERNETES);
    let helm = tools::helm().pop().expect("a Helm");
    let folder = TempDir::new().expect("a folder");
    let blocks = read("docs/helm.md");
    let blocks = blocks.split("```yaml\n").skip(1);
    let mut all = String::new();
    for (number, block) in blocks.enumerate() {
        let file = folder.path().join(number.to_string());
        let values = block.split_once("```").expect("an end of the block").0;
        std::fs::write(&file, values).expect("a file");
        let arguments = ["--values", file.to_str().expect("UTF-8")];
        let (code, text, error) = template(&helm, "q", &repository(CHART), &arguments);
        assert_eq!(code, 0, "{values}: {error}");
        all.push_str(&text);
    }
    let (code, output) = check(&all);
    assert_eq!(code, 0, "{output}");
    let deployments = output.matches("Deployment q-qlara-exporter: good").count();
    assert_eq!(deployments, 3, "{output}");
}

#[test]
fn version_is_that_of_the_exporter() {
    let chart = yaml(&chart_file("Chart.yaml"));
    for key in ["version", "appVersion"] {
        assert_eq!(chart[key], env!("CARGO_PKG_VERSION"), "{key}");
    }
}

/// A package has the content of the linked files, so it renders the same.
#[test]
fn package_holds_the_linked_files() {
    needs!(HELM);
    for helm in tools::helm() {
        let folder = TempDir::new().expect("a folder");
        let mut package = Command::new(&helm);
        package
            .args(["package", "--destination"])
            .arg(folder.path());
        let (code, _, error) = run(package.arg(repository(CHART)));
        assert_eq!(code, 0, "{error}");
        let file = format!("qlara-exporter-{}.tgz", env!("CARGO_PKG_VERSION"));
        let package = folder.path().join(file);
        // Helm stores a release in a Secret, of at most 1 MiB.
        let bytes = package.metadata().expect("a file").len();
        assert!(bytes < 256 * 1024, "{bytes}");

        let values = &value_sets()["monitoring"];
        let arguments = ["--values", values.to_str().expect("UTF-8")];
        let (code, text, error) = template(&helm, "qlara-exporter", &package, &arguments);
        assert_eq!((code, error.as_str()), (0, ""), "no symbolic link is left");
        let directory = render(&helm, "qlara-exporter", "monitoring", &[]);
        assert!(text == directory, "{}", helm.display());
    }
}

/// The paths to all values, and whether each has values below it.
fn paths(values: &Value, parent: &str) -> Vec<(String, bool)> {
    let map = values.as_object().into_iter().flatten();
    let paths = map.flat_map(|(key, value)| {
        let path = format!("{parent}/{key}");
        let below = paths(value, &path);
        let own = (path, !below.is_empty());
        [vec![own], below].concat()
    });
    paths.collect()
}

/// The schema at the path of a value.
fn schema_of<'a>(schema: &'a Value, path: &str) -> &'a Value {
    let path = path.replace('/', "/properties/");
    schema.pointer(&path).unwrap_or(&Value::Null)
}

#[test]
fn every_value_is_in_the_schema_and_in_a_value_set() {
    let schema = schema();
    let values = yaml(&chart_file("values.yaml"));
    let sets: Vec<Value> = value_sets()
        .values()
        .map(|file| yaml(&std::fs::read_to_string(file).expect("a text")))
        .collect();
    let keys = |value: &Value| -> BTreeSet<String> {
        let map = value.as_object().expect("keys");
        map.keys().filter(|key| *key != "global").cloned().collect()
    };
    let root = (String::new(), true);
    let paths = [vec![root], paths(&values, "")].concat();
    assert!(paths.len() > 80, "{}", paths.len());
    for (path, is_parent) in paths {
        let schema = schema_of(&schema, &path);
        if is_parent {
            let value = values.pointer(&path).expect("values");
            assert_eq!(schema["additionalProperties"], false, "{path}");
            assert_eq!(keys(&schema["properties"]), keys(value), "{path}");
        } else {
            let is_set = sets.iter().any(|set| set.pointer(&path).is_some());
            assert!(is_set, "no value set has {path}");
        }
    }
}

/// The first paragraph of the comment before each value, by the value's path.
fn comments(text: &str) -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    let mut comment = String::new();
    let mut parents: Vec<(usize, &str)> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start();
        if content.is_empty() {
            comment.clear();
        } else if let Some(words) = content.strip_prefix('#') {
            comment.push_str(words);
            if words.is_empty() {
                comment.push('\n');
            }
        } else {
            let indentation = line.len() - content.len();
            parents.retain(|(other, _)| *other < indentation);
            parents.push((indentation, content.split(':').next().expect("a key")));
            let path: String = parents.iter().map(|(_, key)| format!("/{key}")).collect();
            let first = std::mem::take(&mut comment);
            let first = first.lines().next().unwrap_or_default().trim();
            comments.insert(path, first.to_owned());
        }
    }
    comments
}

#[test]
fn comments_of_values_are_the_descriptions_of_the_schema() {
    let schema = schema();
    let text = chart_file("values.yaml");
    let comments = comments(&text);
    let paths = paths(&yaml(&text), "");
    assert_eq!(comments.len(), paths.len());
    for (path, comment) in comments {
        assert!(!comment.is_empty(), "{path}");
        assert_eq!(schema_of(&schema, &path)["description"], comment, "{path}");
    }
}

/// The newest Helm's message names the place.
#[test]
fn wrong_values_are_refused() {
    needs!(HELM);
    for (value, place) in [
        ("replicas=2", "replicas"),
        ("service.prt=1", "service"),
        ("probePort=0", "probePort"),
        ("image.digest=latest", "image"),
        ("accounts[0].existingSecret.name=keys", "accounts"),
        ("accounts[0].api_key=s3cret", "api_key"),
        ("accounts[0].basic_auth.password=s3cret", "password"),
        ("config.accounts[0].name=brandco", "config"),
        ("webConfig.existingSecret.name=Web_Config", "webConfig"),
        ("serviceMonitor.interval=often", "serviceMonitor"),
        ("prometheusRule.runbookUrl=example.com/", "prometheusRule"),
        ("networkPolicy.from=all", "networkPolicy"),
        (
            "podDisruptionBudget.minAvailable=half",
            "podDisruptionBudget",
        ),
        ("extraEnv[0].value=nameless", "extraEnv"),
        (
            r#"extraEnv[0].name=a{{ printf "%c b" 58 }}"#,
            "mapping values are not allowed",
        ),
        (
            r#"extraVolumes[0].name=a{{ printf "%c b" 58 }}"#,
            "mapping values are not allowed",
        ),
        (
            "prometheusRule.thresholds.token_near=1",
            "unknown threshold \"token_near\"; expected one of token_near_seconds, ",
        ),
    ] {
        for helm in tools::helm() {
            let arguments = ["--set", value, "--set", "prometheusRule.enabled=true"];
            let (code, _, error) = template(&helm, "q", &repository(CHART), &arguments);
            assert_eq!(code, 1, "{value}: {error}");
            let message = error.lines().find(|line| line.contains(place));
            assert!(message.is_some(), "{value}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}

#[test]
fn parent_charts_may_have_global_values() {
    needs!(HELM);
    for helm in tools::helm() {
        let text = render(&helm, "q", "default", &["--set", "global.any=1"]);
        assert!(text == render(&helm, "q", "default", &[]));
    }
}

/// The pod's files: where each mount is, and in which folder here its volume's files are.
struct Files {
    folder: TempDir,
    mounts: Vec<(String, PathBuf)>,
}

impl Files {
    /// Folders for the volumes of the exporter's container, with the configuration file.
    fn of(resources: &Resources) -> Files {
        let folder = TempDir::new().expect("a folder");
        let mounts = resources.container()["volumeMounts"].as_array();
        let mounts = mounts.expect("mounts").iter().map(|mount| {
            let text = |key: &str| mount[key].as_str().expect("a text");
            let place = folder.path().join(text("name"));
            std::fs::create_dir(&place).expect("a folder");
            (text("mountPath").to_owned(), place)
        });
        let mounts = mounts.collect();
        let files = Files { folder, mounts };
        let configuration = files.here(resources.configuration());
        std::fs::write(files.path("/etc/qlara-exporter/qlara.yml"), configuration).expect("a file");
        files
    }

    /// A text with the folders here instead of those of the mounts.
    fn here(&self, text: &str) -> String {
        let mut mounts: Vec<_> = self.mounts.iter().collect();
        mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        mounts.iter().fold(text.to_owned(), |text, (path, place)| {
            text.replace(&format!("{path}/"), &format!("{}/", place.display()))
        })
    }

    fn path(&self, path: &str) -> PathBuf {
        let here = PathBuf::from(self.here(path));
        assert!(here.starts_with(self.folder.path()), "no mount has {path}");
        here
    }
}

#[test]
fn accounts_read_keys_and_passwords_from_existing_secrets() {
    needs!(HELM);
    for (set, secrets) in [
        (
            "default",
            vec![("qlara-exporter-keys", "/run/secrets/qlara/main")],
        ),
        (
            "accounts",
            vec![
                ("qlara-keys", "/run/secrets/qlara/qlara-keys/brandco"),
                ("qlara-keys", "/run/secrets/qlara/qlara-keys/brandco-trial"),
                ("qlara.other", "/run/secrets/qlara/qlara.other/password"),
                ("", "/run/secrets/vault/key"),
            ],
        ),
    ] {
        let resources = release(set);
        assert!(resources.0.keys().all(|(kind, _)| kind != "Secret"));
        let files = Files::of(&resources);
        let mut check = exporter();
        check.args(["--config.check", "--config.file"]);
        check.arg(files.path("/etc/qlara-exporter/qlara.yml"));
        for (secret, path) in &secrets {
            assert_eq!(run(&mut check).0, 2, "{path} is not read");
            std::fs::write(files.path(path), "key").expect("a file");
            let mounts = resources.container()["volumeMounts"].as_array();
            let mut mounts = mounts.expect("mounts").iter();
            let mount = mounts.find(|mount| {
                let parent = Path::new(path).parent().and_then(Path::to_str);
                mount["mountPath"].as_str() == parent
            });
            let mount = mount.expect("a mount");
            let volume = resources.volume(mount["name"].as_str().expect("a name"));
            let name = volume["secret"]["secretName"].as_str().unwrap_or_default();
            assert_eq!(name, *secret);
        }
        let (code, output, error) = run(&mut check);
        assert_eq!(code, 0, "{output}{error}");
    }
    let configuration = yaml(release("accounts").configuration());
    assert_eq!(configuration["cache"], json!({"ttl": "55s"}));
    let brandco = named(&configuration["accounts"], "brandco");
    let expected = json!([{"platform": "facebook", "profile": "fb_page_123456"}]);
    assert_eq!(brandco["expected"], expected);
}

#[test]
fn changed_configuration_replaces_the_pods() {
    needs!(HELM);
    let helm = tools::helm().pop().expect("a Helm");
    let checksum = |arguments: &[&str]| {
        let resources = Resources::parse(&render(&helm, "q", "default", arguments));
        resources.pod()["metadata"]["annotations"]["checksum/config"].clone()
    };
    let before = checksum(&[]);
    assert!(before.is_string());
    assert_eq!(checksum(&["--set", "service.port=80"]), before);
    assert_ne!(checksum(&["--set", "config.cache.ttl=55s"]), before);
}

/// Like the container, except for folders, ports and gateway.
#[tokio::test]
async fn web_configuration_protects_metrics_but_not_the_probe_port() {
    needs!(HELM);
    let resources = release("web-config");
    let volume = resources.volume("web-config");
    assert_eq!(volume["secret"]["secretName"], "qlara-web");
    let container = resources.container();
    let environment = environment(container);
    let probes = named(&container["ports"], "probes")["containerPort"].to_string();
    assert_eq!(probes, "9001");
    assert_eq!(container["livenessProbe"]["periodSeconds"], 30);

    let files = Files::of(&resources);
    std::fs::write(files.path("/run/secrets/qlara/main"), API_KEY).expect("a file");
    // The hash of "secret" in docs/web-configuration.md.
    let web = "basic_auth_users: {prometheus: $2b$10$pJKu.Rv7T0uAGtOgv8pX/umsTQFcpxjvSRzwH/oit301OZ//Pny8S}";
    std::fs::write(files.path(environment["QLARA_WEB_CONFIG_FILE"]), web).expect("a file");
    let gateway = system_gateway().await;
    let [http_port, probes_port] = [free_port(), free_port()];
    let mut command = exporter();
    for (name, value) in environment {
        let value = value.replace(&probes, &probes_port.to_string());
        command.env(name, files.here(&value));
    }
    let running = Running::start(
        command
            .env("QLARA_URL", gateway.url())
            .env("QLARA_WEB_LISTEN_ADDRESS", format!("127.0.0.1:{http_port}")),
    );
    let ask = async |port: u16, path: &str, password: &str| {
        let url = format!("http://127.0.0.1:{port}{path}");
        let request = http().get(&url).basic_auth("prometheus", Some(password));
        let send = async || request.try_clone()?.send().await.ok();
        eventually("an answer", send).await.status().as_u16()
    };
    assert_eq!(
        ask(http_port, "/metrics", "secret").await,
        200,
        "{}",
        running.output()
    );
    assert_eq!(ask(http_port, "/metrics", "wrong").await, 401);
    for probe in ["livenessProbe", "readinessProbe"] {
        let path = container[probe]["httpGet"]["path"].as_str();
        assert_eq!(ask(probes_port, path.expect("a path"), "").await, 200);
    }

    let endpoint = &resources.only("ServiceMonitor")["spec"]["endpoints"][0];
    assert_eq!(endpoint["scheme"], "https");
    assert_eq!(
        endpoint["tlsConfig"]["serverName"],
        "qlara-exporter.qlara.svc"
    );
    assert_eq!(endpoint["basicAuth"]["password"]["name"], "qlara-scraper");
}

fn contains(labels: &Value, selector: &Value) -> bool {
    let mut selector = selector.as_object().expect("a selector").iter();
    selector.all(|(key, value)| labels[key] == *value)
}

#[test]
fn selectors_and_ports_belong_together_with_every_value_set() {
    needs!(HELM);
    for set in value_sets().keys() {
        let resources = release(set);
        let pod = &resources.pod()["metadata"]["labels"];
        let service = resources.only("Service");
        for ((kind, name), resource) in &resources.0 {
            let spec = &resource["spec"];
            let (labels, selector) = match kind.as_str() {
                "Deployment" => (pod, &spec["selector"]["matchLabels"]),
                "NetworkPolicy" => (pod, &spec["podSelector"]["matchLabels"]),
                "PodDisruptionBudget" => (pod, &spec["selector"]["matchLabels"]),
                "Service" => (pod, &spec["selector"]),
                "ServiceMonitor" => (
                    &service["metadata"]["labels"],
                    &spec["selector"]["matchLabels"],
                ),
                _ => continue,
            };
            assert!(contains(labels, selector), "{set}: {kind} {name}");
            let instance = &selector["app.kubernetes.io/instance"];
            assert_eq!(instance, "qlara-exporter", "{set}: {kind} {name}");
        }
        let port = named(&service["spec"]["ports"], "http");
        named(
            &resources.container()["ports"],
            port["targetPort"].as_str().expect("a name"),
        );
    }
}

/// Without a user where the cluster chooses one: OpenShift.
#[test]
fn pods_meet_the_restricted_security_standard_with_every_value_set() {
    needs!(HELM);
    for set in value_sets().keys() {
        let resources = release(set);
        let pod = &resources.pod()["spec"]["securityContext"];
        assert_eq!(pod["runAsNonRoot"], true, "{set}");
        assert_eq!(pod["seccompProfile"]["type"], "RuntimeDefault", "{set}");
        let user = if set == "security" {
            Value::Null
        } else {
            json!(65532)
        };
        assert_eq!(pod["runAsUser"], user, "{set}");
        let container = &resources.container()["securityContext"];
        assert_eq!(container["allowPrivilegeEscalation"], false, "{set}");
        assert_eq!(container["capabilities"], json!({"drop": ["ALL"]}), "{set}");
    }
    let resources = release("security");
    let container = resources.container();
    let context = &container["securityContext"];
    assert_eq!(context["seLinuxOptions"]["level"], "s0:c123,c456");
    assert_eq!(context["readOnlyRootFilesystem"], true);
    let merged = json!({
        "requests": {"cpu": "10m", "memory": "128Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    });
    assert_eq!(container["resources"], merged);
    let digest = "0123456789abcdef".repeat(4);
    let image = format!("registry.example/qlara-exporter:0.1.0-internal@sha256:{digest}");
    assert_eq!(container["image"], image);
    let account = resources.only("ServiceAccount");
    let pod = &resources.pod()["spec"];
    assert_eq!(pod["serviceAccountName"], account["metadata"]["name"]);
    assert_eq!(pod["automountServiceAccountToken"], true);
}

/// Values that templates copy to one place of a resource.
#[test]
fn values_of_pods_and_networks_reach_their_resources() {
    needs!(HELM);
    let values = |set: &str| yaml(&std::fs::read_to_string(&value_sets()[set]).expect("a text"));
    let (resources, set) = (release("scheduling"), values("scheduling"));
    let deployment = &resources.only("Deployment")["spec"];
    assert_eq!(deployment["replicas"], 3);
    assert_eq!(deployment["strategy"], set["strategy"]);
    let pod = &resources.pod()["spec"];
    for key in [
        "priorityClassName",
        "nodeSelector",
        "tolerations",
        "affinity",
        "topologySpreadConstraints",
    ] {
        assert_eq!(pod[key], set[key], "{key}");
    }
    assert_eq!(pod["serviceAccountName"], "monitoring");
    let metadata = &resources.pod()["metadata"];
    assert!(contains(&metadata["labels"], &set["podLabels"]));
    assert!(contains(&metadata["annotations"], &set["podAnnotations"]));
    let budget = &resources.only("PodDisruptionBudget")["spec"];
    assert_eq!(budget["minAvailable"], 2);
    assert_eq!(budget["maxUnavailable"], Value::Null);

    let (resources, set) = (release("network"), values("network"));
    let service = resources.get("Service", "social");
    let port = json!({"name": "http", "port": 80, "targetPort": "http", "nodePort": 30017});
    assert_eq!(service["spec"]["ports"], json!([port]));
    assert_eq!(service["spec"]["type"], "NodePort");
    let labels = &service["metadata"]["labels"];
    assert!(contains(labels, &set["service"]["labels"]));
    let policy = &resources.get("NetworkPolicy", "social")["spec"];
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(policy["egress"], set["networkPolicy"]["egress"]);
    let scrape = json!({"from": set["networkPolicy"]["from"], "ports": [{"port": "http"}]});
    let extra = &set["networkPolicy"]["extraIngress"][0];
    assert_eq!(policy["ingress"], json!([scrape, extra]));
    let budget = &resources.get("PodDisruptionBudget", "social")["spec"];
    assert_eq!(budget["maxUnavailable"], "50%");
}

#[test]
fn monitoring_has_the_labels_thresholds_and_addresses_of_the_values() {
    needs!(HELM);
    let resources = release("operator");
    for kind in ["ServiceMonitor", "PrometheusRule"] {
        let metadata = &resources.only(kind)["metadata"];
        assert_eq!(metadata["namespace"], "monitoring", "{kind}");
        assert_eq!(metadata["labels"]["release"], "prometheus", "{kind}");
        assert_eq!(metadata["labels"]["team"], "messaging", "{kind}");
    }
    let monitor = &resources.only("ServiceMonitor")["spec"];
    assert_eq!(
        monitor["namespaceSelector"],
        json!({"matchNames": ["qlara"]})
    );
    let endpoint = &monitor["endpoints"][0];
    assert_eq!(endpoint["interval"], "1m");
    let relabelings = json!([
        {"targetLabel": "job", "replacement": "qlara"},
        {"targetLabel": "cluster", "replacement": "production"},
    ]);
    assert_eq!(endpoint["relabelings"], relabelings);
    assert_eq!(endpoint["metricRelabelings"][0]["action"], "drop");

    let groups = &resources.only("PrometheusRule")["spec"]["groups"];
    let rules = groups[0]["rules"].as_array().expect("rules");
    assert_eq!(rules[0]["record"], "qlara:removed_on_purpose");
    let threshold = |name: &str| {
        let mut rules = rules.iter();
        let rule = rules.find(|rule| rule["labels"]["threshold"] == name);
        rule.expect("a threshold")["expr"].as_str()
    };
    for (name, expression) in [
        ("token_near_seconds", "vector(3 * 86400)"),
        ("given_up_seconds", "vector(1209600)"),
        ("token_expired_after_seconds", "vector(0)"),
        ("vanished_ratio", "vector(0.75)"),
        ("token_imminent_seconds", "vector(12 * 3600)"),
    ] {
        assert_eq!(threshold(name), Some(expression));
    }
    let file = yaml(&read("alerts/qlara.rules.yml"));
    assert_eq!(groups[1], file["groups"][1]);
    let expected = file["groups"][0]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), expected.len() + 1);
    for (rule, expected) in rules[1..].iter().zip(expected) {
        let mut annotations = expected["annotations"].clone();
        for (old, new) in [
            (
                "https://example.com/qlara-exporter/docs/runbooks",
                "https://runbooks.example/qlara",
            ),
            ("https://grafana.example.com", "https://grafana.example"),
        ] {
            for text in annotations
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut)
            {
                *text = text.as_str().expect("a text").replace(old, new).into();
            }
        }
        assert_eq!(rule["annotations"], annotations, "{}", rule["alert"]);
    }

    let dashboard = resources.get("ConfigMap", "qlara-dashboard-profiles");
    let metadata = &dashboard["metadata"];
    assert_eq!(metadata["namespace"], "monitoring");
    assert_eq!(metadata["labels"]["dashboards"], "grafana");
    assert_eq!(metadata["annotations"], json!({"grafana_folder": "Qlara"}));
}

#[test]
fn rules_with_other_thresholds_and_rules_are_valid() {
    needs!(HELM, "promtool");
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("qlara.rules.yml");
    let resources = release("operator");
    let rules = &resources.only("PrometheusRule")["spec"];
    std::fs::write(&file, rules.to_string()).expect("a file");
    let (code, output, error) = run(Command::new("promtool").args(["check", "rules"]).arg(file));
    assert_eq!(code, 0, "{output}{error}");
}

#[test]
fn hooks_add_to_the_pod_and_evaluate_templates() {
    needs!(HELM);
    let resources = release("extra");
    let container = resources.container();
    assert_eq!(
        container["args"],
        json!(["--log.format=json", "--web.enable-lifecycle"])
    );
    let names: Vec<&str> = container["env"]
        .as_array()
        .expect("variables")
        .iter()
        .filter_map(|variable| variable["name"].as_str())
        .collect();
    let expected = [
        "QLARA_WEB_PROBE_LISTEN_ADDRESS",
        "QLARA_CONFIG_FILE",
        "TZ",
        "POD",
    ];
    assert_eq!(names, expected, "a name of the base stands once");
    assert_eq!(
        container["envFrom"][0]["secretRef"]["name"],
        "qlara-exporter-proxy"
    );
    let mount = named(&container["volumeMounts"], "ca");
    assert_eq!(mount["mountPath"], "/etc/qlara-exporter-ca");
    let map = resources.volume("ca")["configMap"]["name"].as_str();
    let map = resources.get("ConfigMap", map.expect("a name"));
    assert_eq!(map["data"], json!({"ca.crt": "qlara-exporter"}));
    resources.get("ConfigMap", "qlara-exporter-text");
    assert!(resources.0.keys().all(|(kind, _)| kind != "NetworkPolicy"));
    let pod = &resources.pod()["spec"];
    let image = format!("registry.example/wait:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(pod["initContainers"][0]["image"], image);
    let proxy = named(&pod["containers"], "proxy");
    assert_eq!(proxy["args"], json!(["--to=localhost:10017"]));
}

#[test]
fn each_of_many_accounts_is_a_target() {
    needs!(HELM);
    let resources = release("many-accounts");
    let environment = environment(resources.container());
    assert_eq!(environment["QLARA_NO_WEB_ACCOUNTS_ON_METRICS"], "true");
    let scrape = &resources.get("ScrapeConfig", "qlara-exporter-accounts")["spec"];
    let port = &resources.only("Service")["spec"]["ports"][0]["port"];
    let url = format!("http://qlara-exporter.qlara.svc:{port}/sd");
    assert_eq!(scrape["httpSDConfigs"], json!([{"url": url}]));
}

/// Only Helm 4 prints them without a cluster.
#[test]
fn notes_name_the_secrets_and_the_next_steps() {
    needs!(HELM);
    let helm = tools::helm().pop().expect("a Helm");
    let version = run(Command::new(&helm).args(["version", "--short"])).1;
    if version.starts_with("v3") {
        println!("skipped: Helm 3 prints notes only with a cluster");
        return;
    }
    let notes = |set: &str| {
        let mut install = Command::new(&helm);
        install.args(["install", "q", "--dry-run=client", "--namespace=qlara"]);
        install.arg("--values").arg(&value_sets()[set]);
        let (code, output, error) = run(install.arg(repository(CHART)));
        assert_eq!(code, 0, "{error}");
        let (_, notes) = output.split_once("\nNOTES:\n").expect("notes");
        notes.to_owned()
    };
    let default = notes("default");
    let resources = release("default");
    let secret = resources.volume("keys")["secret"]["secretName"].as_str();
    for text in [
        &format!(
            "create secret generic {} --from-file=main=",
            secret.expect("a name")
        ),
        "rollout status deployment/q-qlara-exporter\n",
        "port-forward service/q-qlara-exporter 10017:10017\n",
        "target q-qlara-exporter.qlara.svc:10017 ",
    ] {
        assert!(default.contains(text), "{text}: {default}");
    }
    let accounts = notes("accounts");
    for text in [
        "generic qlara-keys --from-file=brandco=FILE --from-file=brandco-trial=FILE\n",
        "generic qlara.other --from-file=password=FILE\n",
    ] {
        assert!(accounts.contains(text), "{text}: {accounts}");
    }
    let web = notes("web-config");
    assert!(web.contains("generic qlara-web --from-file=web-config.yml=FILE\n"));
    assert!(!web.contains("serviceMonitor.enabled is false"), "{web}");
}

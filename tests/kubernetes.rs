//! The base in `deploy/kubernetes`, built by kubectl and checked with the published schemas.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run, run_with_input};
use crate::harness::tools::{self, KUBERNETES, needs};
use crate::harness::{API_KEY, eventually, http};
use crate::prometheus::system_gateway;

const DOCUMENTATION: &str = include_str!("../docs/kubernetes.md");
const DOCKERFILE: &str = include_str!("../Dockerfile");

/// A program of the virtual environment with kubectl, the schemas and their reader.
fn tool(name: &str) -> Command {
    Command::new(tools::folder("kubernetes").join("bin").join(name))
}

pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn build(folder: &Path) -> String {
    let mut kubectl = tool("kubectl");
    let (code, text, error) = run(kubectl.arg("kustomize").arg(folder));
    assert_eq!((code, error.as_str()), (0, ""));
    text
}

/// The resources by kind and name. A generated name contains its hash.
pub struct Resources(pub BTreeMap<(String, String), Value>);

impl Resources {
    pub fn of(folder: &Path) -> Resources {
        Resources::parse(&build(folder))
    }

    /// Kubernetes reads YAML 1.1, in which 0440 is octal.
    pub fn parse(text: &str) -> Resources {
        let options = serde_saphyr::options! { legacy_octal_numbers: true };
        let resources = serde_saphyr::from_multiple_with_options::<Value>(text, options);
        let resources = resources.unwrap_or_else(|error| panic!("{error}: {text}"));
        let named = resources.into_iter().map(|resource| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let key = (text(&resource["kind"]), text(&resource["metadata"]["name"]));
            (key, resource)
        });
        Resources(named.collect())
    }

    fn base() -> Resources {
        Resources::of(&repository("deploy/kubernetes"))
    }

    pub fn get(&self, kind: &str, name: &str) -> &Value {
        let found = self.0.get(&(kind.to_owned(), name.to_owned()));
        found.unwrap_or_else(|| panic!("no {kind} {name} in {:?}", self.0.keys()))
    }

    /// The only resource of a kind.
    pub fn only(&self, kind: &str) -> &Value {
        let mut all = self.0.iter().filter(|((other, _), _)| other == kind);
        let (_, resource) = all.next().unwrap_or_else(|| panic!("no {kind}"));
        assert!(all.next().is_none(), "several of the kind {kind}");
        resource
    }

    pub fn pod(&self) -> &Value {
        &self.only("Deployment")["spec"]["template"]
    }

    pub fn container(&self) -> &Value {
        named(&self.pod()["spec"]["containers"], "exporter")
    }

    /// The source of a volume.
    pub fn volume(&self, name: &str) -> &Value {
        let volumes = self.pod()["spec"]["volumes"].as_array().expect("volumes");
        let found = volumes.iter().find(|volume| volume["name"] == name);
        found.unwrap_or_else(|| panic!("no volume {name}"))
    }

    /// The configuration file in the pod.
    pub fn configuration(&self) -> &str {
        let map = &self.volume("configuration")["configMap"]["name"];
        let map = self.get("ConfigMap", map.as_str().expect("a name"));
        map["data"]["qlara.yml"].as_str().expect("a text")
    }
}

/// An entry of a list by its name.
pub fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut entries = list.as_array().expect("a list").iter();
    let found = entries.find(|entry| entry["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

/// The YAML blocks of the documentation.
fn blocks() -> impl Iterator<Item = &'static str> {
    let rest = DOCUMENTATION.split("```yaml\n").skip(1);
    rest.map(|rest| rest.split_once("```").expect("an end of the block").0)
}

/// The overlay of the documentation, with key files next to it.
fn overlay() -> TempDir {
    let place = TempDir::new().expect("a folder");
    std::os::unix::fs::symlink(repository(""), place.path().join("qlara-exporter"))
        .expect("a link");
    let folder = place.path().join("overlay");
    std::fs::create_dir(&folder).expect("a folder");
    let mut blocks = blocks();
    let mut block = || blocks.next().expect("a block");
    let (kustomization, configuration, labels) = (block(), block(), block());
    let kustomization = format!("{kustomization}{labels}");
    for (name, text) in [
        ("kustomization.yaml", kustomization.as_str()),
        ("qlara.yml", configuration),
        ("brandco.key", "s3cret"),
    ] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    place
}

/// Exit code and output of the check of resources.
pub fn check(resources: &str) -> (i32, String) {
    let script = repository("tests/kubernetes/validate.py");
    run_with_input(tool("python").arg(script), resources)
}

#[test]
fn every_resource_matches_its_published_schema() {
    needs!(KUBERNETES);
    let overlay = overlay();
    for (folder, resources) in [
        (repository("deploy/kubernetes"), 8),
        (repository("deploy/kubernetes/exporter"), 4),
        (repository("alerts"), 1),
        (overlay.path().join("overlay"), 9),
    ] {
        let (code, output) = check(&build(&folder));
        assert_eq!(code, 0, "{}: {output}", folder.display());
        let good = output.lines().filter(|line| line.ends_with(": good"));
        assert_eq!(good.count(), resources, "{output}");
    }
}

#[test]
fn misspelt_field_is_rejected_by_the_schemas() {
    needs!(KUBERNETES);
    let base = build(&repository("deploy/kubernetes"));
    for (field, misspelt, problem) in [
        (
            "runAsNonRoot:",
            "runAsNoRoot:",
            "Deployment qlara-exporter: spec",
        ),
        (
            "keep_firing_for:",
            "keepFiringFor:",
            "PrometheusRule qlara-exporter: unknown",
        ),
        (
            "relabelings:",
            "relabeling:",
            "ServiceMonitor qlara-exporter: unknown",
        ),
    ] {
        let (code, output) = check(&base.replace(field, misspelt));
        assert_eq!(code, 1, "{output}");
        assert!(output.contains(problem), "{output}");
    }
}

#[test]
fn rules_and_dashboards_are_copies_of_the_files() {
    needs!(KUBERNETES);
    let base = Resources::base();
    let rules: Value = serde_saphyr::from_str(&read("alerts/qlara.rules.yml")).expect("YAML");
    assert_eq!(base.get("PrometheusRule", "qlara-exporter")["spec"], rules);

    let mut shown = BTreeMap::new();
    for ((kind, _), map) in &base.0 {
        if kind == "ConfigMap" && map["metadata"]["labels"]["grafana_dashboard"] == "1" {
            for (file, text) in map["data"].as_object().expect("files") {
                shown.insert(file.clone(), text.as_str().expect("a text").to_owned());
            }
        }
    }
    let files = std::fs::read_dir(repository("dashboards")).expect("a folder");
    let names = files.map(|file| file.expect("a file").file_name().into_string());
    let names = names.map(|name| name.expect("UTF-8"));
    let dashboards = names.filter(|name| name.ends_with(".json"));
    let files: BTreeMap<String, String> = dashboards
        .map(|name| (name.clone(), read(&format!("dashboards/{name}"))))
        .collect();
    assert!(shown == files, "{:?}", shown.keys());
    assert!(!files.is_empty());
}

/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>
#[test]
fn pod_meets_the_restricted_security_standard() {
    needs!(KUBERNETES);
    let base = Resources::base();
    let pod = &base.pod()["spec"];
    let user = DOCKERFILE
        .lines()
        .find_map(|line| line.strip_prefix("USER "));
    let user: u32 = user
        .and_then(|user| user.split_once(':')?.0.parse().ok())
        .expect("a number");
    assert_eq!(
        pod["securityContext"],
        json!({
            "runAsNonRoot": true,
            "runAsUser": user,
            "runAsGroup": user,
            "fsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        })
    );
    assert_eq!(
        base.container()["securityContext"],
        json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        })
    );
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["containers"].as_array().map(Vec::len), Some(1));
    for place in ["hostNetwork", "hostPID", "hostIPC", "initContainers"] {
        assert_eq!(pod[place], Value::Null, "{place}");
    }
    for volume in pod["volumes"].as_array().expect("volumes") {
        let keys = volume.as_object().expect("a volume").keys();
        for kind in keys.filter(|key| *key != "name") {
            assert!(["configMap", "secret"].contains(&kind.as_str()), "{volume}");
        }
    }
}

#[test]
fn container_has_version_settings_and_ports_of_the_exporter() {
    needs!(KUBERNETES);
    let base = Resources::base();
    let container = base.container();
    let image = format!("qlara-exporter:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(container["image"], image);
    let help = run(exporter().arg("--help")).1;
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for variable in container["env"].as_array().expect("variables") {
        let name = variable["name"].as_str().expect("a name");
        assert!(words.contains(&format!("[env: {name}]")), "{name}");
    }
    let port = |name| named(&container["ports"], name)["containerPort"].to_string();
    assert!(words.contains(&format!("[default: :{}]", port("http"))));
    let probes = named(&container["env"], "QLARA_WEB_PROBE_LISTEN_ADDRESS");
    assert_eq!(probes["value"], format!(":{}", port("probes")));
    for (probe, path) in [
        ("livenessProbe", "/-/healthy"),
        ("readinessProbe", "/-/ready"),
    ] {
        let request = &container[probe]["httpGet"];
        assert_eq!(request, &json!({"path": path, "port": "probes"}));
    }
}

#[test]
fn service_monitor_finds_the_pod_under_the_job_of_the_rules() {
    needs!(KUBERNETES);
    let base = Resources::base();
    let service = base.get("Service", "qlara-exporter");
    let monitor = &base.get("ServiceMonitor", "qlara-exporter")["spec"];
    let policy = &base.get("NetworkPolicy", "qlara-exporter")["spec"];
    let pod = &base.pod()["metadata"]["labels"];
    assert_eq!(
        &monitor["selector"]["matchLabels"],
        &service["metadata"]["labels"]
    );
    assert_eq!(&service["spec"]["selector"], pod);
    assert_eq!(&policy["podSelector"]["matchLabels"], pod);

    let endpoint = &monitor["endpoints"][0];
    let port = named(
        &service["spec"]["ports"],
        endpoint["port"].as_str().expect("a port"),
    );
    assert_eq!(
        policy["ingress"][0]["ports"],
        json!([{"port": port["targetPort"]}])
    );
    named(
        &base.container()["ports"],
        port["targetPort"].as_str().expect("a port"),
    );
    let job = json!([{"targetLabel": "job", "replacement": "qlara"}]);
    assert_eq!(endpoint["relabelings"], job);
    assert!(read("alerts/qlara.rules.yml").contains("up{job=\"qlara\"}"));
}

/// With key files at the paths of the Secret.
#[test]
fn configurations_are_valid_and_read_keys_from_the_secret() {
    needs!(KUBERNETES);
    let overlay = overlay();
    for (resources, entry) in [
        (Resources::base(), "main"),
        (Resources::of(&overlay.path().join("overlay")), "brandco"),
    ] {
        let mounts = &resources.container()["volumeMounts"];
        let path = |name| named(mounts, name)["mountPath"].as_str().expect("a path");
        let file = format!("{}/qlara.yml", path("configuration"));
        let variable = named(&resources.container()["env"], "QLARA_CONFIG_FILE");
        assert_eq!(variable["value"], file);

        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(entry), "key").expect("a file");
        let here = folder.path().to_str().expect("UTF-8");
        let configuration = resources.configuration().replace(path("keys"), here);
        let file = folder.path().join("qlara.yml");
        std::fs::write(&file, configuration).expect("a file");
        let mut check = exporter();
        check.args(["--config.check", "--config.file"]).arg(&file);
        let (code, output, error) = run(&mut check);
        assert_eq!(code, 0, "{output}{error}");
        std::fs::remove_file(folder.path().join(entry)).expect("removed");
        assert_eq!(run(&mut check).0, 2, "the key is not that of the Secret");
    }
}

/// Like the container, except for paths, ports and gateway.
#[tokio::test]
async fn exporter_with_the_settings_of_the_container_serves_metrics_and_probes() {
    needs!(KUBERNETES);
    let base = Resources::base();
    let container = base.container();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("main"), API_KEY).expect("a file");
    let here = folder.path().to_str().expect("UTF-8");
    let keys = named(&container["volumeMounts"], "keys")["mountPath"].as_str();
    let configuration = base.configuration().replace(keys.expect("a path"), here);
    let file = folder.path().join("qlara.yml");
    std::fs::write(&file, configuration).expect("a file");

    let gateway = system_gateway().await;
    let [http_port, probes_port] = [free_port(), free_port()];
    let mut command = exporter();
    for variable in container["env"].as_array().expect("variables") {
        let value = |name: &str| variable[name].as_str().expect("a text");
        command.env(
            value("name"),
            value("value").replace("10018", &probes_port.to_string()),
        );
    }
    let running = Running::start(
        command
            .env("QLARA_CONFIG_FILE", &file)
            .env("QLARA_URL", gateway.url())
            .env("QLARA_WEB_LISTEN_ADDRESS", format!("127.0.0.1:{http_port}")),
    );
    let ask = async |port: u16, path: &str| {
        let url = format!("http://127.0.0.1:{port}{path}");
        eventually("an answer", async || http().get(&url).send().await.ok()).await
    };
    for probe in ["livenessProbe", "readinessProbe"] {
        let path = container[probe]["httpGet"]["path"]
            .as_str()
            .expect("a path");
        assert_eq!(
            ask(probes_port, path).await.status(),
            200,
            "{}",
            running.output()
        );
    }
    assert_eq!(ask(probes_port, "/metrics").await.status(), 404);
    let metrics = ask(http_port, "/metrics")
        .await
        .text()
        .await
        .expect("a text");
    assert!(
        metrics.contains("\nqlara_up{account=\"main\"} 1\n"),
        "{metrics}"
    );
}

#[test]
fn each_of_many_accounts_is_a_target() {
    needs!(KUBERNETES);
    let overlay = overlay();
    let folder = overlay.path().join("overlay");
    let [patches, scrape] = blocks().skip(3).collect::<Vec<_>>()[..] else {
        panic!("two more blocks");
    };
    let file = folder.join("kustomization.yaml");
    let text = std::fs::read_to_string(&file).expect("a text");
    let text = text.replace("resources:\n", "resources:\n  - scrapeconfig.yaml\n") + patches;
    std::fs::write(file, text).expect("a file");
    std::fs::write(folder.join("scrapeconfig.yaml"), scrape).expect("a file");

    let (code, output) = check(&build(&folder));
    assert_eq!(code, 0, "{output}");
    assert!(
        output.contains("ScrapeConfig qlara-accounts: good"),
        "{output}"
    );
    let resources = Resources::of(&folder);
    let variable = named(
        &resources.container()["env"],
        "QLARA_NO_WEB_ACCOUNTS_ON_METRICS",
    );
    assert_eq!(variable["value"], "true");
    let service = resources.get("Service", "qlara-exporter");
    let address = format!(
        "http://qlara-exporter.{}.svc:{}/sd",
        service["metadata"]["namespace"].as_str().expect("a name"),
        service["spec"]["ports"][0]["port"]
    );
    let spec = &resources.get("ScrapeConfig", "qlara-accounts")["spec"];
    assert_eq!(spec["httpSDConfigs"], json!([{"url": address}]));
    let monitor = &resources.get("ServiceMonitor", "qlara-exporter")["spec"];
    assert_eq!(spec["relabelings"], monitor["endpoints"][0]["relabelings"]);
}

#[test]
fn base_has_no_key_and_an_overlay_adds_one() {
    needs!(KUBERNETES);
    let base = Resources::base();
    assert!(base.0.keys().all(|(kind, _)| kind != "Secret"));
    let overlay = overlay();
    let resources = Resources::of(&overlay.path().join("overlay"));
    let secret = &resources.volume("keys")["secret"]["secretName"];
    let secret = resources.get("Secret", secret.as_str().expect("a name"));
    assert_eq!(secret["data"], json!({"brandco": "czNjcmV0"}));
    let image = &resources.container()["image"];
    assert_eq!(image, "registry.example/qlara-exporter:0.1.0");
    for ((kind, name), resource) in &resources.0 {
        let metadata = &resource["metadata"];
        assert_eq!(metadata["namespace"], "qlara", "{kind} {name}");
        assert_eq!(metadata["labels"]["release"], "prometheus", "{kind} {name}");
    }
    let rules = &resources.get("PrometheusRule", "qlara-exporter")["spec"];
    assert_eq!(rules, &base.get("PrometheusRule", "qlara-exporter")["spec"]);
}

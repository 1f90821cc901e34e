//! The built-in overlays give what `kubectl kustomize` gives, or refuse by name.

use std::collections::BTreeMap;
use std::process::Command;

use proofload_autoscale::manifest::{Document, Resource};
use serde_json::Value;

use super::files::{k8s, rendered, rendered_from};

const OVERLAYS: [(&str, &str); 4] = [
    ("medical-platform/base", include_str!("../goldens/rendered/medical-platform-base.yaml")),
    ("medical-platform/overlays/local", include_str!("../goldens/rendered/medical-platform-local.yaml")),
    ("fish/base", include_str!("../goldens/rendered/fish-base.yaml")),
    ("fish/overlays/local", include_str!("../goldens/rendered/fish-local.yaml")),
];

type ByIdentity = BTreeMap<(String, String, String), Value>;

fn by_identity(documents: impl IntoIterator<Item = Document>) -> ByIdentity {
    let key = |d: &Document| (d.kind().to_owned(), d.namespace().unwrap_or_default().to_owned(), d.name().to_owned());
    documents.into_iter().map(|d| (key(&d), d.value)).collect()
}

fn built_in(resources: Vec<Resource>) -> ByIdentity {
    by_identity(resources.into_iter().map(|r| r.document))
}

fn check(name: &str, ours: &ByIdentity, theirs: &ByIdentity) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{name}: which objects");
    for (key, value) in ours {
        assert_eq!(value, &theirs[key], "{name}: {key:?}");
    }
}

#[test]
fn equal_to_the_committed_renderings() {
    for (overlay, golden) in OVERLAYS {
        let theirs = by_identity(Document::parse_all("golden", golden).unwrap());
        assert!(theirs.len() > 5, "{overlay}: the golden rendering is nearly empty");
        check(overlay, &built_in(rendered(overlay).unwrap()), &theirs);
    }
}

#[test]
#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a skipped check says so, and can be demanded")]
fn the_committed_renderings_are_those_of_kubectl() {
    for (overlay, golden) in OVERLAYS {
        let Ok(output) = Command::new("kubectl").arg("kustomize").arg(k8s().join(overlay)).output() else {
            let required = std::env::var("PROOFLOAD_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|name| name == "kubectl"), "kubectl is required and not installed");
            println!("SKIPPED the_committed_renderings_are_those_of_kubectl: kubectl is not installed");
            return;
        };
        assert!(output.status.success(), "{overlay}: {}", String::from_utf8_lossy(&output.stderr));
        let now = String::from_utf8(output.stdout).unwrap();
        let theirs = by_identity(Document::parse_all("kubectl", &now).unwrap());
        check(overlay, &by_identity(Document::parse_all("golden", golden).unwrap()), &theirs);
    }
}

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - {name: a, image: 'proofload:local', env: [{name: A, value: '1'}, {name: B, value: '2'}]}
      - {name: b, image: x}
";

/// Renders one overlay over one Deployment; an error, or the pod's containers after it.
fn check_overlay(kustomization: &str, expected: &str) {
    let files = [("base/d.yaml", DEPLOYMENT), ("o/kustomization.yaml", kustomization)];
    let text = match rendered_from(&files, "o") {
        Ok(resources) => resources[0].document.value.pointer("/spec").unwrap().to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(text, expected);
}

#[test]
fn merged_lists_begin_with_what_the_patch_names() {
    check_overlay(
        "
resources: [../base/d.yaml]
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api}
    spec:
      replicas: null
      template: {spec: {containers: [{name: c}, {name: a, env: [{name: C, value: '3'}, {name: A, value: '9'}]}]}}
",
        r#"{"template":{"spec":{"containers":[{"name":"c"},{"name":"a","image":"proofload:local","env":[{"name":"C","value":"3"},{"name":"A","value":"9"},{"name":"B","value":"2"}]},{"name":"b","image":"x"}]}}}"#,
    );
}

#[test]
fn what_is_not_built_in_is_refused_by_name() {
    check_overlay(
        "resources: [../base/d.yaml]\nconfigMapGenerator: []\n",
        "o/kustomization.yaml:1: unknown field `configMapGenerator`, expected one of `apiVersion`, `kind`, `metadata`, \
         `resources`, `namespace`, `images`, `replicas`, `patches`; the overlays built into proofload know no other, so \
         render with `kubectl kustomize` instead",
    );
    check_overlay(
        "resources: [../base/d.yaml]\npatches: [{target: {name: ap.*}, patch: '[{op: remove, path: /spec}]'}]\n",
        "o/kustomization.yaml:1: regular expressions in a patch target are not built in; write the name as it is",
    );
    check_overlay(
        "resources: [../base/d.yaml]\npatches: [{target: {name: api}, patch: '{spec: {$patch: delete}}'}]\n",
        "o/kustomization.yaml:1: `$patch` directives are not built in; write the patch without, or as JSON 6902",
    );
    check_overlay(
        "resources: [../base/d.yaml]\nreplicas: [{name: web, count: 2}]\n",
        "o/kustomization.yaml:1: replicas: no Deployment, StatefulSet or ReplicaSet is named `web`",
    );
    check_overlay(
        "resources: [../base/d.yaml]\npatches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: b}}'}]\n",
        "o/kustomization.yaml:1: the patch for Deployment/b finds no such object (namespace None)",
    );
    check_overlay("resources: [../base/e.yaml]\n", "base/e.yaml: cannot be read: no such file");
    check_overlay(
        "resources: [.]\n",
        "o/kustomization.yaml:1: overlays nest deeper than 16; look for one that includes itself",
    );
}

//! What `lint` finds, as code scanning reads it.

use proofload_autoscale::lint::{RULES, lint};
use proofload_autoscale::manifest::parse;
use proofload_core::sarif::of_lint;

/// Two autoscalers on one Deployment, one of them blind for want of a request; odd names in between.
const MANIFEST: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  maxReplicas: 4
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: \"<b>\\\"again\\\"\\n\"}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  maxReplicas: 4
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers: [{name: api}]
";

#[test]
fn findings_have_a_rule_a_file_and_a_line() {
    let findings = lint(&parse("./k8s/a b/odd#1.yaml", MANIFEST).unwrap());
    assert!(findings.iter().all(|finding| RULES.iter().any(|(id, _)| *id == finding.id)), "{findings:?}");
    let log = of_lint(&findings);
    let read: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(read["runs"][0]["results"].as_array().unwrap().len(), findings.len());
    insta::assert_snapshot!(log);
    // For other programs' readers.
    if let Some(out) = std::env::var_os("PROOFLOAD_REPORTS_OUT") {
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(std::path::Path::new(&out).join("lint.sarif"), &log).unwrap();
    }
    assert_eq!(of_lint(&[]).matches("\"results\": []").count(), 1);
}

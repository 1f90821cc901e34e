//! `images`: replaces name, tag or digest of container images.

use serde_json::{Value, json};

use super::kustomization::Image;

/// Replaces the images of every container in a pod template.
pub(super) fn replace(object: &mut Value, images: &[Image]) {
    for pod in ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"] {
        for list in ["containers", "initContainers"] {
            let containers = object.pointer_mut(&format!("{pod}/{list}")).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                if let Some(image) = container.get("image").and_then(Value::as_str) {
                    let replaced = images.iter().fold(image.to_owned(), |current, rule| apply(&current, rule));
                    container["image"] = json!(replaced);
                }
            }
        }
    }
}

fn apply(image: &str, rule: &Image) -> String {
    let (name, tag) = split(image);
    if name != rule.name {
        return image.to_owned();
    }
    let name = rule.new_name.as_deref().unwrap_or(name);
    match (&rule.digest, &rule.new_tag) {
        (Some(digest), _) => format!("{name}@{digest}"),
        (None, Some(tag)) => format!("{name}:{tag}"),
        (None, None) => format!("{name}{tag}"),
    }
}

/// Name, and tag or digest with its separator. A colon before a slash belongs to the registry's port.
fn split(image: &str) -> (&str, &str) {
    if let Some(at) = image.find('@') {
        return image.split_at(at);
    }
    match image.rfind(':') {
        Some(colon) if !image[colon..].contains('/') => image.split_at(colon),
        _ => (image, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(image: &str, new_name: Option<&str>, new_tag: Option<&str>, expected: &str) {
        let text = |t: Option<&str>| t.map(str::to_owned);
        let rule =
            Image { name: split(image).0.to_owned(), new_name: text(new_name), new_tag: text(new_tag), digest: None };
        assert_eq!(apply(image, &rule), expected);
    }

    #[test]
    fn names_tags_and_ports_are_told_apart() {
        check("proofload:local", Some("q.example/p"), Some("v2"), "q.example/p:v2");
        check("reg.example:5000/x/y", None, Some("v2"), "reg.example:5000/x/y:v2");
        check("reg.example:5000/x/y:1", Some("z"), None, "z:1");
        check("a@sha256:00", Some("b"), None, "b@sha256:00");
    }
}

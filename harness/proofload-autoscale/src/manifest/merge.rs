//! Strategic merge: maps merge, null removes, lists of the core kinds merge by key, all other lists are replaced.
//!
//! As kustomize does it, what is new in a merged list comes first, in the order of the patch.

use serde_json::{Map, Value};

/// Lists of pod templates and Services that merge, with their key. Two ports of one number and different protocols are
/// not told apart.
const MERGED_BY: [(&str, &str); 8] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("env", "name"),
    ("volumes", "name"),
    ("imagePullSecrets", "name"),
    ("volumeMounts", "mountPath"),
    ("containers/ports", "containerPort"),
    ("spec/ports", "port"),
];

/// Merges `patch` into `target`. `core` says whether the object is of a kind whose lists have merge keys.
pub(super) fn merge(target: &mut Value, patch: &Value, core: bool) -> Result<(), String> {
    merge_at(target, patch, core, ("", ""))
}

/// `place` is the field that holds this value, and the field above it.
fn merge_at(target: &mut Value, patch: &Value, core: bool, place: (&str, &str)) -> Result<(), String> {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => merge_maps(target, patch, core, place.0),
        (Value::Array(target), Value::Array(patch)) if core && key_of(place).is_some() => {
            merge_lists(target, patch, key_of(place).expect("the guard has just found one"), place.0)
        }
        (target, patch) => {
            refuse_directives(patch)?;
            *target = patch.clone();
            Ok(())
        }
    }
}

fn merge_maps(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    core: bool,
    field: &str,
) -> Result<(), String> {
    for (name, value) in patch {
        if name.starts_with('$') {
            return Err(format!("`{name}` directives are not built in; write the patch without, or as JSON 6902"));
        }
        if value.is_null() {
            target.shift_remove(name);
        } else {
            let place = target.entry(name.clone()).or_insert(Value::Null);
            merge_at(place, value, core, (name, field))?;
        }
    }
    Ok(())
}

fn merge_lists(target: &mut Vec<Value>, patch: &[Value], key: &str, field: &str) -> Result<(), String> {
    let mut merged = Vec::with_capacity(target.len() + patch.len());
    for entry in patch {
        if entry.get(key).is_none() {
            return Err(format!("an entry of `{field}` in the patch has no `{key}`, by which this list is merged"));
        }
        let place = target.iter().position(|existing| existing.get(key) == entry.get(key));
        let mut value = place.map_or(Value::Object(Map::new()), |index| target.remove(index));
        merge_at(&mut value, entry, true, (field, ""))?;
        merged.push(value);
    }
    merged.append(target);
    *target = merged;
    Ok(())
}

fn key_of((field, above): (&str, &str)) -> Option<&'static str> {
    let nested = format!("{above}/{field}");
    MERGED_BY.iter().find(|(path, _)| *path == field || *path == nested).map(|(_, key)| *key)
}

fn refuse_directives(value: &Value) -> Result<(), String> {
    match value {
        Value::Object(map) => merge_maps(&mut Map::new(), map, false, ""),
        Value::Array(list) => list.iter().try_for_each(refuse_directives),
        _ => Ok(()),
    }
}

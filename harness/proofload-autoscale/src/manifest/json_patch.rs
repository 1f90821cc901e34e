//! JSON 6902 patches: `add`, `replace` and `remove`. Stricter than kustomize in one point: `replace` needs its place.

use serde::Deserialize;
use serde_json::Value;

/// One operation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    op: String,
    path: String,
    value: Option<Value>,
}

/// Applies the operations in order.
pub(super) fn apply(target: &mut Value, operations: &[Operation]) -> Result<(), String> {
    operations.iter().try_for_each(|operation| apply_one(target, operation))
}

fn apply_one(target: &mut Value, operation: &Operation) -> Result<(), String> {
    let Operation { op, path, value } = operation;
    let missing = || format!("{op} {path}: there is no such place in the object");
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| format!("{op} {path}: a path begins with /"))?;
    let parent = target.pointer_mut(parent).ok_or_else(missing)?;
    let key = last.replace("~1", "/").replace("~0", "~");
    match (op.as_str(), value) {
        ("add", Some(value)) => add(parent, &key, value).ok_or_else(missing),
        ("replace", Some(value)) => replace(parent, &key, value).ok_or_else(missing),
        ("remove", None) => remove(parent, &key).ok_or_else(missing),
        ("add" | "replace", None) => Err(format!("{op} {path}: has no value")),
        ("remove", Some(_)) => Err(format!("remove {path}: takes no value")),
        _ => Err(format!("{op} {path}: only add, replace and remove are built in")),
    }
}

fn add(parent: &mut Value, key: &str, value: &Value) -> Option<()> {
    match parent {
        Value::Object(map) => {
            map.insert(key.to_owned(), value.clone());
        }
        Value::Array(list) => {
            let index = if key == "-" { list.len() } else { key.parse().ok()? };
            if index > list.len() {
                return None;
            }
            list.insert(index, value.clone());
        }
        _ => return None,
    }
    Some(())
}

fn replace(parent: &mut Value, key: &str, value: &Value) -> Option<()> {
    let place = match parent {
        Value::Object(map) => map.get_mut(key),
        Value::Array(list) => key.parse::<usize>().ok().and_then(|index| list.get_mut(index)),
        _ => None,
    };
    *place? = value.clone();
    Some(())
}

fn remove(parent: &mut Value, key: &str) -> Option<()> {
    match parent {
        Value::Object(map) => map.shift_remove(key).map(drop),
        Value::Array(list) => {
            let index = key.parse::<usize>().ok().filter(|index| *index < list.len())?;
            list.remove(index);
            Some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(operations: &Value, expected: &Result<Value, &str>) {
        let mut target = json!({"a": {"b/c": 1}, "list": [1, 2]});
        let operations: Vec<Operation> = serde_json::from_value(operations.clone()).unwrap();
        let result = apply(&mut target, &operations).map(|()| target);
        assert_eq!(result.as_ref().map_err(String::as_str), expected.as_ref().map_err(|text| *text));
    }

    #[test]
    fn operations_apply_or_say_why_not() {
        check(&json!([{"op": "add", "path": "/list/-", "value": 3}]), &Ok(json!({"a": {"b/c": 1}, "list": [1, 2, 3]})));
        check(&json!([{"op": "add", "path": "/list/0", "value": 0}]), &Ok(json!({"a": {"b/c": 1}, "list": [0, 1, 2]})));
        check(
            &json!([{"op": "replace", "path": "/a/b~1c", "value": 2}]),
            &Ok(json!({"a": {"b/c": 2}, "list": [1, 2]})),
        );
        check(&json!([{"op": "remove", "path": "/list/1"}]), &Ok(json!({"a": {"b/c": 1}, "list": [1]})));
        check(&json!([{"op": "remove", "path": "/x"}]), &Err("remove /x: there is no such place in the object"));
        check(&json!([{"op": "move", "path": "/x"}]), &Err("move /x: only add, replace and remove are built in"));
    }
}

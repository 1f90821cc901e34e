//! The body of a predict request: `instances` (row) or `inputs` (column), and `signature_name`.

use std::borrow::Cow;

use super::JsonError;
use super::cursor::Cursor;
use super::tensor;
use crate::predictor::Input;
use crate::repository::ModelSpec;

/// A predict request as checked: each input has the model's shape, or is an encoded picture.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) layout: Layout,
    pub(crate) signature: Option<String>,
    pub(crate) inputs: Vec<Input>,
}

/// How the request, and so its answer, is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `instances` → `predictions`.
    Row,
    /// `inputs` → `outputs`.
    Column,
}

/// Reads a body. At most `instances_max` instances are kept in memory.
pub(crate) fn parse(body: &[u8], spec: &ModelSpec, instances_max: usize) -> Result<Request, JsonError> {
    let reader = Reader { spec, instances_max };
    let mut cursor = Cursor::new(body);
    match cursor.peek() {
        None => return Err(JsonError("JSON Parse error: The document is empty".to_owned())),
        Some(b'{') => {}
        Some(_) => {
            let excerpt = cursor.excerpt();
            cursor.skip()?;
            return Err(JsonError(format!("JSON Value: {excerpt} Is not object")));
        }
    }
    let (mut signature, mut tensors) = (None, None);
    cursor.eat(b'{');
    let mut first = true;
    while let Some(name) = cursor.next_name(first)? {
        first = false;
        match (&*name, &tensors) {
            ("signature_name", _) => signature = Some(signature_name(&mut cursor)?),
            ("instances" | "inputs", Some(_)) => return Err(both_keys()),
            ("instances", None) => tensors = Some((Layout::Row, reader.instances(&mut cursor)?)),
            ("inputs", None) => tensors = Some((Layout::Column, reader.inputs(&mut cursor)?)),
            _ => cursor.skip()?,
        }
    }
    cursor.end()?;
    let (layout, inputs) = tensors.ok_or_else(|| JsonError("Missing 'inputs' or 'instances' key".to_owned()))?;
    Ok(Request { layout, signature, inputs })
}

fn signature_name(cursor: &mut Cursor<'_>) -> Result<String, JsonError> {
    if cursor.peek() == Some(b'"') {
        return cursor.string().map(Cow::into_owned);
    }
    let excerpt = cursor.excerpt();
    Err(JsonError(format!(
        "JSON Value: {excerpt} not formatted correctly. 'signature_name' key must be a string value."
    )))
}

fn both_keys() -> JsonError {
    JsonError("Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist".to_owned())
}

struct Reader<'s> {
    spec: &'s ModelSpec,
    instances_max: usize,
}

impl Reader<'_> {
    /// The list after `instances`.
    fn instances(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Input>, JsonError> {
        if !cursor.eat(b'[') {
            return Err(JsonError(format!(
                "JSON Value: {} Excepting 'instances' to be an list/array",
                cursor.excerpt()
            )));
        }
        let failed = |index: usize, JsonError(why)| {
            JsonError(format!("Failed to process element: {index} of 'instances' list. Error: {why}"))
        };
        self.list(cursor, |cursor, index| self.instance(cursor).map_err(|error| failed(index, error)))?
            .ok_or_else(|| JsonError("No values in 'instances' array".to_owned()))
    }

    /// The value after `inputs`: a batch, one picture, or an object that names the tensor.
    fn inputs(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Input>, JsonError> {
        if !cursor.eat(b'{') {
            return self.column(cursor);
        }
        let mut found = None;
        let mut first = true;
        while let Some(name) = cursor.next_name(first)? {
            if first && name == "b64" {
                found = Some(vec![self.only_b64(cursor)?]);
                break;
            }
            first = false;
            if name == self.spec.input.name.as_str() {
                found = Some(self.column(cursor)?);
            } else {
                cursor.skip()?;
            }
        }
        found.ok_or_else(|| JsonError(format!("Missing named input: {} in 'inputs' object.", self.spec.input.name)))
    }

    /// A batch as a list of instances, or one picture.
    fn column(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Input>, JsonError> {
        if cursor.eat(b'{') {
            return Ok(vec![self.picture(cursor)?]);
        }
        if !cursor.eat(b'[') {
            let excerpt = cursor.excerpt();
            cursor.skip()?;
            return Err(JsonError(format!("JSON Value: {excerpt} is not a batch; 'inputs' takes a list of instances")));
        }
        self.list(cursor, |cursor, _| self.value(cursor))?
            .ok_or_else(|| JsonError("No values in 'inputs' array".to_owned()))
    }

    /// Elements of a list whose `[` is taken; `None` when it has none.
    fn list<'c>(
        &self,
        cursor: &mut Cursor<'c>,
        element: impl Fn(&mut Cursor<'c>, usize) -> Result<Input, JsonError>,
    ) -> Result<Option<Vec<Input>>, JsonError> {
        if cursor.eat(b']') {
            return Ok(None);
        }
        let mut inputs = Vec::new();
        loop {
            if inputs.len() == self.instances_max {
                let max = self.instances_max;
                return Err(JsonError(format!(
                    "Task size is larger than maximum input batch size {max}; send fewer instances at a time"
                )));
            }
            inputs.push(element(cursor, inputs.len())?);
            if !cursor.next_element()? {
                return Ok(Some(inputs));
            }
        }
    }

    /// One element of `instances`: a value, or an object that names the tensor.
    fn instance(&self, cursor: &mut Cursor<'_>) -> Result<Input, JsonError> {
        if !cursor.eat(b'{') {
            return self.value(cursor);
        }
        let wanted = self.spec.input.name.as_str();
        match cursor.next_name(true)? {
            Some(name) if name == "b64" => self.only_b64(cursor),
            Some(name) if name == wanted => {
                let value = self.value(cursor)?;
                match cursor.next_name(false)? {
                    None => Ok(value),
                    Some(_) => Err(JsonError(format!("JSON object keys must be equal to: {wanted}"))),
                }
            }
            Some(name) => Err(JsonError(format!("JSON object: does not have named input: {name}"))),
            None => Err(JsonError(format!("JSON object keys must be equal to: {wanted}"))),
        }
    }

    /// Numbers, or a picture.
    fn value(&self, cursor: &mut Cursor<'_>) -> Result<Input, JsonError> {
        if cursor.eat(b'{') {
            return self.picture(cursor);
        }
        tensor::numbers(cursor, &self.spec.input.shape).map(Input::Tensor)
    }

    /// `{"b64": "…"}` whose `{` is taken.
    fn picture(&self, cursor: &mut Cursor<'_>) -> Result<Input, JsonError> {
        match cursor.next_name(true)? {
            Some(name) if name == "b64" => self.only_b64(cursor),
            _ => Err(JsonError("JSON Value: Type: Object is not of expected type: float".to_owned())),
        }
    }

    /// The value of `b64` and the closing brace after it.
    fn only_b64(&self, cursor: &mut Cursor<'_>) -> Result<Input, JsonError> {
        if self.spec.image.is_none() {
            return Err(JsonError(format!("model {} takes tensors, not encoded pictures", self.spec.name)));
        }
        let bytes = tensor::base64(cursor)?;
        match cursor.next_name(false)? {
            None => Ok(Input::Encoded(bytes)),
            Some(_) => Err(JsonError("JSON Value: 'b64' must be the only key of its object".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;

//! Text with holes: `p-{{iteration}}`, `/api/v1/studies/{{study}}`, `{{payload studies}}`.

use crate::trace::Field;

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Text(String),
    /// The number of this pass, from 0, unique within its workload.
    Iteration,
    /// The id of the run: what is sent again in another run is another thing.
    Run,
    /// A value that an earlier step extracted.
    Value(String),
    /// A file of a payload set.
    Payload(String),
    /// A field of the replayed entry of a trace.
    Trace(Field),
    /// A column of a data set, in the row of this pass.
    Data {
        /// The data set.
        set: String,
        /// The column.
        column: String,
    },
    /// Where the end of this pass's job can be delivered.
    Webhook,
    /// A value that any earlier pass, of any flow, extracted.
    Known(String),
    /// An address, secret or path that the environment provides.
    Given(String, String),
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Vec<Part>);

impl Template {
    /// Parses `text`; the error is a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let after = &rest[open + 2..];
            let close = after.find("}}").ok_or_else(|| format!("`{text}` opens {{{{ and never closes it"))?;
            parts.push(hole(after[..close].trim())?);
            rest = &after[close + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template(parts))
    }

    /// The payload set, where the whole template is one file.
    pub fn as_payload(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Payload(name)] => Some(name),
            _ => None,
        }
    }

    /// The processes whose addresses it names.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Given(kind, name) if kind == "address" => Some(name.as_str()),
            _ => None,
        })
    }

    /// Fills every hole through `value`; stops at the first hole it cannot fill and returns it.
    pub fn fill<'t>(&'t self, mut value: impl FnMut(&'t Part) -> Option<String>) -> Result<String, &'t Part> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                hole => text.push_str(&value(hole).ok_or(hole)?),
            }
        }
        Ok(text)
    }
}

fn hole(words: &str) -> Result<Part, String> {
    let mut words_iter = words.split_whitespace();
    match (words_iter.next(), words_iter.next(), words_iter.next()) {
        (Some("iteration"), None, None) => Ok(Part::Iteration),
        (Some("run"), None, None) => Ok(Part::Run),
        (Some("webhook"), None, None) => Ok(Part::Webhook),
        (Some("payload"), Some(name), None) => Ok(Part::Payload(name.to_owned())),
        (Some("trace"), Some(name), None) => trace_field(name).map(Part::Trace),
        (Some("data"), Some(place), None) => match place.split_once('.') {
            Some((set, column)) => Ok(Part::Data { set: set.to_owned(), column: column.to_owned() }),
            None => Err(format!("`{{{{{words}}}}}` names no column; write {{{{data SET.COLUMN}}}}")),
        },
        (Some("known"), Some(name), None) => Ok(Part::Known(name.to_owned())),
        (Some(kind @ ("address" | "secret")), Some(name), None) => Ok(Part::Given(kind.to_owned(), name.to_owned())),
        (Some(name), None, None) => Ok(Part::Value(name.to_owned())),
        _ => Err(format!(
            "`{{{{{words}}}}}` is not a template; write {{{{iteration}}}}, {{{{run}}}}, {{{{webhook}}}}, {{{{payload NAME}}}}, {{{{data SET.COLUMN}}}}, {{{{trace FIELD}}}}, {{{{known NAME}}}} or {{{{NAME}}}} of an extracted value"
        )),
    }
}

fn trace_field(name: &str) -> Result<Field, String> {
    Field::ALL.into_iter().find(|field| field.word() == name).ok_or_else(|| {
        let known = Field::ALL.map(Field::word);
        let help = crate::source::suggest(name, known).map_or(String::new(), |help| format!("; {help}"));
        format!("a trace has no field `{name}`{help}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = Template::parse(text).map_or_else(|error| error, |template| format!("{:?}", template.0));
        assert_eq!(got, expected);
    }

    #[test]
    fn holes_are_named() {
        check("p-{{iteration}}", r#"[Text("p-"), Iteration]"#);
        check("{{ payload studies }}", r#"[Payload("studies")]"#);
        check("/x/{{known study}}/y", r#"[Text("/x/"), Known("study"), Text("/y")]"#);
        check("{{trace path}}", "[Trace(Path)]");
        check("{{trace pat}}", "a trace has no field `pat`; did you mean `path`?");
        check("plain", r#"[Text("plain")]"#);
        check("{{data users.e-mail}}", r#"[Data { set: "users", column: "e-mail" }]"#);
        check("{{data users}}", "`{{data users}}` names no column; write {{data SET.COLUMN}}");
        check("{{webhook}}", "[Webhook]");
        check("{{study", "`{{study` opens {{ and never closes it");
        check(
            "{{a b c}}",
            "`{{a b c}}` is not a template; write {{iteration}}, {{run}}, {{webhook}}, {{payload NAME}}, {{data SET.COLUMN}}, {{trace FIELD}}, {{known NAME}} or {{NAME}} of an extracted value",
        );
    }
}

//! Reads the Prometheus text format just well enough to say that a text is one, and where it is not.

/// How many samples the text has, or the first line that is no sample.
pub(super) fn count_samples(text: &str) -> Result<usize, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let mut samples = 0;
    for (at, line) in lines {
        if !is_sample(line) {
            return Err(format!("line {} `{line}`", at + 1));
        }
        samples += 1;
    }
    Ok(samples)
}

/// `name{label="value",…} value [timestamp]`
fn is_sample(line: &str) -> bool {
    let name = line.find(|c: char| !is_name_char(c)).unwrap_or(line.len());
    let starts_well = line.starts_with(|c: char| is_name_char(c) && !c.is_ascii_digit());
    let rest = &line[name..];
    let values = match rest.strip_prefix('{') {
        Some(labels) => match end_of_labels(labels) {
            Some(end) => &labels[end..],
            None => return false,
        },
        None => rest,
    };
    let mut words = values.split_whitespace();
    let value = words.next().is_some_and(is_number);
    let stamp = words.next().is_none_or(is_number);
    starts_well && value && stamp && words.next().is_none()
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn is_number(word: &str) -> bool {
    word.parse::<f64>().is_ok()
}

/// Where the labels end, the closing brace included; braces inside quotes do not count.
fn end_of_labels(labels: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in labels.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<usize, &str>) {
        assert_eq!(count_samples(text), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn samples_are_counted_and_other_lines_named() {
        check("# HELP a b\n# TYPE a counter\na 1\na{b=\"}\\\"\",c=\"d\"} 2.5 1700000000\n\n:x:y +Inf\nz NaN\n", Ok(4));
        check("", Ok(0));
        check("{\"requests\":0}", Err("line 1 `{\"requests\":0}`"));
        check("a 1\n<html>", Err("line 2 `<html>`"));
        check("a one", Err("line 1 `a one`"));
        check("a{b=\"c\" 1", Err("line 1 `a{b=\"c\" 1`"));
        check("1a 1", Err("line 1 `1a 1`"));
    }
}

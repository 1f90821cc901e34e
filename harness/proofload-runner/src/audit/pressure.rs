//! How much work of the whole machine waits for a CPU: `/proc/pressure/cpu` (kernel
//! `Documentation/accounting/psi.rst`).

/// `some avg10`, percent; `None` where the kernel does not say.
pub(super) fn some_avg10() -> Option<f64> {
    parse(&std::fs::read_to_string("/proc/pressure/cpu").ok()?)
}

fn parse(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with("some"))?;
    line.split_whitespace().find_map(|word| word.strip_prefix("avg10="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_second_average_is_taken() {
        let text = "some avg10=80.90 avg60=36.00 avg300=11.78 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0";
        assert_eq!(parse(text), Some(80.9));
        assert_eq!(parse(""), None);
    }
}
